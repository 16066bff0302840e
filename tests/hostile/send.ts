import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { promisify } from "node:util";

import type { HostileReceiver } from "./hostile-receiver.ts";
import type { SocketDoor } from "./socket-doors.ts";

export type Answer = { status: number; json: unknown; text: string; retryAfter: string | null };

type Sent = { path: string; type: string; body: Buffer; encoding?: string | undefined };

/** Sends a request. @throws if there is no answer */
export async function post(
  { url, secret }: Pick<HostileReceiver, "url" | "secret">,
  { path, type, body, encoding }: Sent,
): Promise<Answer> {
  const response = await fetch(`${url}${path.replaceAll(/\{\w+\}/g, "hostile")}`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${secret}`,
      "x-amz-firehose-access-key": secret,
      "content-type": type,
      ...(encoding !== undefined && { "content-encoding": encoding }),
    },
    body: new Uint8Array(body),
  });
  const text = await response.text();
  const retryAfter = response.headers.get("retry-after");
  return { status: response.status, text, json: jsonIn(text), retryAfter };
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A connection that may be closed by the receiver at any time. Over TLS its certificate is not checked. */
export async function connected(
  place: number | string,
  transport: SocketDoor["transport"] = "tcp",
): Promise<Socket> {
  if (transport === "tls") {
    const socket = connectTls({
      host: "127.0.0.1",
      port: Number(place),
      rejectUnauthorized: false,
    });
    socket.on("error", () => undefined);
    await once(socket, "secureConnect");
    return socket;
  }
  const socket = typeof place === "number" ? connect(place, "127.0.0.1") : connect(place);
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

/** Writes the bytes until they are written or the receiver closes the connection. */
export async function write(socket: Socket, bytes: Uint8Array): Promise<void> {
  if (socket.destroyed || socket.write(bytes)) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      socket.off("drain", done).off("close", done);
      resolve();
    };
    socket.on("drain", done).on("close", done);
  });
}

/** Ends the connection and waits until the receiver has read everything, or has closed it. */
export async function end(socket: Socket): Promise<void> {
  if (socket.destroyed) return;
  // A reset is a way to close it.
  const closed = new Promise<void>((resolve) => void socket.once("close", () => resolve()));
  socket.resume().end();
  await closed;
}

/** Sends the parts over a socket: as one stream, or as a datagram each. */
export async function sendTo(
  { transport }: SocketDoor,
  place: number | string,
  parts: readonly Buffer[],
): Promise<void> {
  if (transport === "udp") return sendDatagrams(Number(place), parts);
  if (transport === "unixgram") return sendToPath(String(place), parts);
  const socket = await connected(place, transport);
  if (transport === "http") {
    const length = parts.reduce((sum, { length: bytes }) => sum + bytes, 0);
    const type = "application/vnd.fdo.journal";
    const head = `POST /upload HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: ${type}\r\nContent-Length: ${length}\r\n\r\n`;
    await write(socket, Buffer.from(head));
  }
  for (const part of parts) await write(socket, part);
  await end(socket);
}

const DATAGRAM_BYTES_MAX = 60_000;

async function sendDatagrams(port: number, datagrams: readonly Buffer[]): Promise<void> {
  const socket = createSocket("udp4");
  const send = promisify<Buffer, number, string>(socket.send.bind(socket));
  for (const it of datagrams) await send(it.subarray(0, DATAGRAM_BYTES_MAX), port, "127.0.0.1");
  socket.close();
}

/** Node.js cannot send Unix datagrams. */
async function sendToPath(place: string, datagrams: readonly Buffer[]): Promise<void> {
  const script = `use Socket; socket(my $s, PF_UNIX, SOCK_DGRAM, 0); connect($s, sockaddr_un($ARGV[0])) or die; binmode STDIN;
    while (read(STDIN, my $n, 4)) { read(STDIN, my $d, unpack("N", $n)); send($s, $d, 0); }`;
  const child = spawn("perl", ["-e", script, place], { stdio: ["pipe", "ignore", "ignore"] });
  for (const it of datagrams) {
    const bytes = it.subarray(0, DATAGRAM_BYTES_MAX);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    child.stdin.write(Buffer.concat([length, bytes]));
  }
  child.stdin.end();
  await once(child, "close");
}
