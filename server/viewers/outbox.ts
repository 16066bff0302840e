import type { Socket } from "socket.io";

/** The Engine.IO connection below a socket. */
export type Connection = Socket["conn"];

/**
 * Counts the characters that wait to be written to a connection. The kernel takes no more of a client that does not
 * read, and Engine.IO would queue all further messages for it, also while the client sends heartbeats.
 */
export class Outbox {
  /** Not given to the transport yet, which takes no more until it has written everything before. */
  #queued = 0;
  /** Given to the transport, and not accepted by the kernel yet. */
  #writing = 0;

  constructor(connection: Connection) {
    connection.on("packetCreate", ({ data }: { data?: unknown }) => {
      this.#queued += typeof data === "string" ? data.length : 0;
    });
    connection.on("flush", () => {
      this.#writing += this.#queued;
      this.#queued = 0;
    });
    this.#follow(connection.transport);
    connection.on("upgrade", (transport: Connection["transport"]) => this.#follow(transport));
  }

  get waiting(): number {
    return this.#queued + this.#writing;
  }

  #follow(transport: Connection["transport"]): void {
    this.#writing = 0;
    transport.on("drain", () => (this.#writing = 0));
  }
}
