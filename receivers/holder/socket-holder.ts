import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Duplex } from "node:stream";

import { HeldBytes } from "./held-bytes.ts";
import {
  type HeldEnd,
  type HeldSourceName,
  MessageReader,
  MessageWriter,
  type ToHolder,
  type ToReceiver,
} from "./messages.ts";

const CONNECTION_ID_BYTES = 6;
/** A connection costs memory beside its bytes. */
const CONNECTION_BYTES = 1024;

/** The memory for what the connections of one listener have sent. */
export type HeldLimits = {
  /** Of one connection: more than the largest event that can be incomplete. */
  connectionBytesMax: number;
  /** Of all connections: more than what may be incomplete. */
  bytesMax: number;
};

/** Where the bytes of a connection come from. */
export type HeldSource = HeldSourceName & {
  /** Its address, for people. */
  sender: string;
  pause(): void;
  resume(): void;
  reply(bytes: Uint8Array): void;
  /** Nothing more can be read from it. */
  close(): void;
  /** To be called with what is known after bytes were read: see `Connections.read`. */
  onRead(read: { heldBytes: number; hasEvents: boolean }): void;
  /** Called when everything that was sent is durable, after the end. */
  onEnd?(): void;
};

export type HeldConnection = {
  /** Whether the memory is not full. Bytes can be added anyway: those that were already read. */
  readonly hasRoom: boolean;
  add(bytes: Buffer): void;
  /** Nothing more comes from the sender. Only the first call counts. */
  end(how: HeldEnd): void;
};

/**
 * Holds the connections of senders and what they sent, in bounded memory, until a receiver says that it is durable. A receiver
 * is a process that reads from `attach`; when it is killed, the next one gets everything again that was not acknowledged.
 */
export class SocketHolder {
  /** So that connections of another holder are never mistaken for ours. */
  readonly #id = randomBytes(CONNECTION_ID_BYTES).toString("hex");
  readonly #connections = new Map<number, Connection>();
  readonly #dropped: Extract<ToReceiver, { type: "dropped" }>[] = [];
  #lastId = 0;
  #writer: MessageWriter<ToReceiver> | undefined;
  #onEmpty: (() => void) | undefined;

  /** Whether a receiver is attached. */
  get hasReceiver(): boolean {
    return this.#writer !== undefined;
  }

  /** The connections of a listener share its memory. */
  newMemory(limits: HeldLimits): HeldMemory {
    return new HeldMemory(limits);
  }

  open(source: HeldSource, memory: HeldMemory): HeldConnection {
    this.#lastId += 1;
    const id = this.#lastId;
    const connection = new Connection(`${this.#id}/${id}`, source, memory);
    this.#connections.set(id, connection);
    this.#writer?.write(id, connection.opening);
    const isFull = (): boolean => connection.isFull;
    return {
      get hasRoom() {
        return !isFull();
      },
      add: (bytes) => {
        connection.add(bytes);
        this.#writer?.write(id, undefined, bytes);
      },
      end: (how) => {
        if (connection.ended) return;
        connection.ended = how;
        this.#writer?.write(id, { type: "end", how });
      },
    };
  }

  /** Events that its sender has to correct. Without a receiver nobody counts them. */
  refused({ protocol, source }: HeldSourceName, sender: string, reason: string): void {
    this.#writer?.write(0, { type: "refused", protocol, source, sender, reason });
  }

  /** Events that were lost. Each receiver gets the counts since the start of the holder. */
  dropped({ protocol, source }: HeldSourceName, events: number): void {
    this.#writer?.write(0, { type: "dropped", protocol, source, events });
    const before = this.#dropped.find((it) => it.source === source && it.protocol === protocol);
    if (before) before.events += events;
    else this.#dropped.push({ type: "dropped", protocol, source, events });
  }

  /**
   * Gives everything that is held to a receiver, and what comes then, until the channel ends. Resolves then.
   * `onReport`: gets what is about no connection.
   */
  async attach(channel: Duplex, onReport: (message: ToHolder) => void): Promise<void> {
    // A killed receiver leaves a broken channel.
    channel.on("error", () => undefined);
    const ended = once(channel, "close").catch(() => undefined);
    const writer = new MessageWriter<ToReceiver>(channel);
    this.#writer = writer;
    for (const message of this.#dropped) writer.write(0, message);
    for (const [id, connection] of this.#connections) {
      writer.write(id, connection.opening);
      for (const chunk of connection.held.chunks) writer.write(id, undefined, chunk);
      const { ended: how } = connection;
      if (how) writer.write(id, { type: "end", how });
    }
    writer.write(0, { type: "attached" });
    const reader = new MessageReader<ToHolder>({
      onMessage: (id, message, body) => {
        if (id === 0) onReport(message);
        else this.#onMessage(id, message, body);
      },
      onBytes: () => undefined,
    });
    channel.on("data", (bytes: Buffer) => reader.push(bytes));
    await ended;
    this.#writer = undefined;
  }

  /** Resolves when everything is durable that was sent over connections that have ended. */
  async drained(): Promise<void> {
    if (this.#connections.size === 0) return;
    await new Promise<void>((resolve) => (this.#onEmpty = resolve));
  }

  #onMessage(id: number, message: ToHolder, reply: Buffer): void {
    const connection = this.#connections.get(id);
    if (!connection) return;
    if (message.type === "close") connection.source.close();
    if (message.type !== "acknowledged") return;
    connection.acknowledge(message);
    if (reply.length > 0) connection.source.reply(reply);
    if (message.isEnd) {
      connection.forget();
      connection.source.onEnd?.();
      this.#connections.delete(id);
      if (this.#connections.size === 0) this.#onEmpty?.();
    }
  }
}

/** What the connections of one listener have sent and is not acknowledged. */
export class HeldMemory {
  readonly limits: HeldLimits;
  bytes = 0;
  /** Connections that are not read meanwhile. */
  readonly paused = new Set<Connection>();

  constructor(limits: HeldLimits) {
    this.limits = limits;
  }
}

class Connection {
  readonly held = new HeldBytes();
  readonly source: HeldSource;
  readonly #key: string;
  readonly #memory: HeldMemory;
  #state = "";
  #readTo = 0;
  ended: HeldEnd | undefined;

  constructor(key: string, source: HeldSource, memory: HeldMemory) {
    this.#key = key;
    this.source = source;
    this.#memory = memory;
    memory.bytes += CONNECTION_BYTES;
  }

  get opening(): ToReceiver {
    const { protocol, source, sender } = this.source;
    return {
      type: "open",
      protocol,
      source,
      sender,
      connection: this.#key,
      offset: this.held.start,
      readTo: this.#readTo,
      state: this.#state,
    };
  }

  get isFull(): boolean {
    const { limits, bytes } = this.#memory;
    return this.held.length >= limits.connectionBytesMax || bytes >= limits.bytesMax;
  }

  add(bytes: Buffer): void {
    this.held.append(bytes);
    this.#memory.bytes += bytes.length;
    if (!this.isFull) return;
    this.#memory.paused.add(this);
    this.source.pause();
  }

  acknowledge({ offset, readTo, state }: Extract<ToHolder, { type: "acknowledged" }>): void {
    const { length } = this.held;
    this.held.acknowledge(offset);
    this.#state = state;
    this.#readTo = readTo;
    const freed = length - this.held.length;
    this.source.onRead({ heldBytes: readTo - offset, hasEvents: freed > 0 });
    this.#free(freed);
  }

  forget(): void {
    this.#memory.paused.delete(this);
    this.#free(this.held.length + CONNECTION_BYTES);
  }

  #free(bytes: number): void {
    this.#memory.bytes -= bytes;
    if (this.#memory.bytes >= this.#memory.limits.bytesMax) return;
    for (const connection of this.#memory.paused) {
      if (connection.isFull) continue;
      this.#memory.paused.delete(connection);
      connection.source.resume();
    }
  }
}
