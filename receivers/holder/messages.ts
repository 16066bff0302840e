import type { Duplex } from "node:stream";

import type { Listener } from "#collectors/sources/listeners/listener.ts";

/** The protocol of a listener, and what its events name as their source. */
export type HeldSourceName = Pick<Listener, "protocol" | "source">;

/** How a sender ended: what is left without the end of an event is an event, or will be sent again. */
export type HeldEnd = "whole" | "broken";

/** What a socket holder tells its receiver. Bytes of a connection are messages without a head. */
export type ToReceiver =
  | ({
      type: "open";
      /** Address of the sender, for people. */
      sender: string;
      /** Unique among all connections that were ever held. */
      connection: string;
      /** Of the first byte that follows, in the connection. */
      offset: number;
      /** As acknowledged last: the events up to here are durable. */
      readTo: number;
      /** As acknowledged last; empty at the beginning. */
      state: string;
    } & HeldSourceName)
  /** Nothing more comes from the sender. */
  | { type: "end"; how: HeldEnd }
  /** All connections were named that an earlier receiver had. */
  | { type: "attached" }
  | ({ type: "refused"; sender: string; reason: string } & HeldSourceName)
  | ({ type: "dropped"; events: number } & HeldSourceName);

/** What a receiver tells its socket holder. */
export type ToHolder =
  | {
      type: "acknowledged";
      /** Everything before this offset is durable, and need not be sent again. */
      offset: number;
      /** What was read: the bytes from `offset` on belong to an event that is not complete. */
      readTo: number;
      /** What another receiver needs in order to continue at `offset`. */
      state: string;
      /** The end of the connection too. */
      isEnd: boolean;
      // The body is what is to be sent to the sender.
    }
  /** Nothing more can be read from the connection. */
  | { type: "close" }
  /** The listeners of the sources file that are to be open. */
  | { type: "listeners"; listeners: readonly Listener[] }
  /** It listens for HTTP at these addresses and reads what is sent to it. */
  | { type: "ready"; addresses: readonly string[] }
  | { type: "failed"; message: string };

/** Bytes before each message: length of the head, length of the body, id of the connection. */
const PREFIX_BYTES = 12;
const EMPTY = Buffer.alloc(0);

/** Writes to the other process. Messages that are written together are sent together. */
export class MessageWriter<Message> {
  readonly #channel: Duplex;
  #isCorked = false;

  constructor(channel: Duplex) {
    this.#channel = channel;
  }

  /** `id`: of the connection; 0 if it is about none. */
  write(id: number, message: Message | undefined, body: Uint8Array = EMPTY): void {
    const head = message === undefined ? EMPTY : Buffer.from(JSON.stringify(message));
    const prefix = Buffer.allocUnsafe(PREFIX_BYTES);
    prefix.writeUInt32BE(head.length, 0);
    prefix.writeUInt32BE(body.length, 4);
    prefix.writeUInt32BE(id, 8);
    if (!this.#isCorked) {
      this.#isCorked = true;
      this.#channel.cork();
      process.nextTick(() => {
        this.#isCorked = false;
        this.#channel.uncork();
      });
    }
    this.#channel.write(head.length > 0 ? Buffer.concat([prefix, head]) : prefix);
    if (body.length > 0) this.#channel.write(body);
  }
}

export type MessageHandlers<Message> = {
  onMessage(id: number, message: Message, body: Buffer): void;
  /** Bytes of a connection, as parts of those that were read from the channel. */
  onBytes(id: number, bytes: Buffer): void;
};

/** Cuts what arrives from the other process into messages. Those that are not complete at its end are ignored. */
export class MessageReader<Message> {
  readonly #handlers: MessageHandlers<Message>;
  /** The prefix, head or body that is gathered, and how many bytes of it are missing. */
  #gathered: Buffer[] = [];
  #missing = PREFIX_BYTES;
  #id = 0;
  #bodyBytes = 0;
  #reading: "prefix" | "head" | "body" | "bytes" = "prefix";
  #message: Message | undefined;

  constructor(handlers: MessageHandlers<Message>) {
    this.#handlers = handlers;
  }

  push(bytes: Buffer): void {
    for (let at = 0; at < bytes.length;) {
      const part = bytes.subarray(at, at + this.#missing);
      at += part.length;
      this.#missing -= part.length;
      if (this.#reading === "bytes") this.#handlers.onBytes(this.#id, part);
      else this.#gathered.push(part);
      if (this.#missing === 0) this.#end();
    }
  }

  #end(): void {
    const { 0: first = EMPTY, length } = this.#gathered;
    const whole = length > 1 ? Buffer.concat(this.#gathered) : first;
    this.#gathered = [];
    if (this.#reading === "prefix") this.#begin(whole);
    else if (this.#reading === "head") {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- both ends of the channel are our own code
      this.#message = JSON.parse(whole.toString()) as Message;
      this.#expect("body", this.#bodyBytes);
    } else {
      if (this.#message !== undefined) this.#handlers.onMessage(this.#id, this.#message, whole);
      this.#message = undefined;
      this.#expect("prefix", PREFIX_BYTES);
    }
  }

  #begin(prefix: Buffer): void {
    const headBytes = prefix.readUInt32BE(0);
    this.#bodyBytes = prefix.readUInt32BE(4);
    this.#id = prefix.readUInt32BE(8);
    if (headBytes > 0) this.#expect("head", headBytes);
    else this.#expect("bytes", this.#bodyBytes);
  }

  #expect(reading: "prefix" | "head" | "body" | "bytes", bytes: number): void {
    this.#reading = reading;
    this.#missing = bytes;
    if (bytes === 0) this.#end();
  }
}
