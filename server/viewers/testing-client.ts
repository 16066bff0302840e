import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** Frame of a WebSocket client with a text of up to 125 bytes; the mask is 0. */
function frameOf(opcode: number, text: string): Buffer {
  const payload = Buffer.from(text);
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
}

const TEXT = 1;
const PING = 9;

/** A client of the live sockets that sends valid messages and reads nothing after its socket is open. */
export class SilentReader {
  readonly tcp: Socket;
  isClosed = false;

  private constructor(tcp: Socket) {
    this.tcp = tcp;
    tcp.on("close", () => (this.isClosed = true));
    tcp.on("error", () => undefined);
  }

  static async open(port: number): Promise<SilentReader> {
    const client = new SilentReader(connect(port, "127.0.0.1"));
    const headers = [
      "GET /socket/?EIO=4&transport=websocket HTTP/1.1",
      "Host: 127.0.0.1",
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      `Sec-WebSocket-Key: ${Buffer.alloc(16).toString("base64")}`,
    ];
    client.tcp.write(`${headers.join("\r\n")}\r\n\r\n`);
    let received = "";
    const receive = async (text: string): Promise<void> => {
      while (!received.includes(text)) received += String((await once(client.tcp, "data"))[0]);
    };
    // Engine.IO loses messages that arrive before its first packet was sent, and Socket.IO closes a connection with
    // messages that arrive before its socket is open.
    await receive('0{"sid"');
    client.send("40");
    await receive('40{"sid"');
    client.tcp.pause();
    return client;
  }

  /** A packet of Engine.IO: "42[…]" is an event, "3" answers a heartbeat. */
  send(packet: string): void {
    this.tcp.write(frameOf(TEXT, packet));
  }

  /** Pings of the WebSocket protocol, each of which the server answers with its payload. */
  ping(count: number): void {
    this.tcp.write(
      Buffer.concat(Array.from({ length: count }, () => frameOf(PING, "x".repeat(125)))),
    );
  }
}
