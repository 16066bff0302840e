import type { HeldEnd, ToHolder, ToReceiver } from "../holder/messages.ts";
import type { ConnectionDecoder } from "./connection-decoder.ts";
import { hasEvents, type Keep, type Part } from "./keep-events.ts";

/** Read together, for one write and fsync. */
const TURN_BYTES = 1024 * 1024;
/** A record ends after so many bytes of the connection. */
const RECORD_BYTES = 128 * 1024;
const OVERLONG = "the rest of an overlong event was skipped";

export type HeldConnectionOptions = {
  opening: Extract<ToReceiver, { type: "open" }>;
  decoder: ConnectionDecoder;
  /** Offsets at which records have to end, ascending. */
  cutAt: readonly number[];
  keep: Keep;
  refuse(reason: string): void;
  onLost(events: number): void;
  /** Events cannot be kept. */
  onFailed(error: unknown): void;
  send(message: ToHolder, reply?: Uint8Array): void;
};

/**
 * Reads one connection of a socket holder: what has arrived is decoded and written to the bus, and then acknowledged. Meanwhile
 * more arrives.
 */
export class HeldConnection {
  readonly #options: HeldConnectionOptions;
  #arrived: Buffer[] = [];
  #offset: number;
  #cutAt: number[];
  #ended: HeldEnd | undefined;
  #isClosed = false;
  #skippedBytes = 0;
  #lost = 0;
  #reading: Promise<void> | undefined;

  constructor(options: HeldConnectionOptions) {
    this.#options = options;
    this.#offset = options.opening.offset;
    const { offset, readTo } = options.opening;
    const cutAt = [...options.cutAt, readTo].toSorted((a, b) => a - b);
    this.#cutAt = [...new Set(cutAt)].filter((it) => it > offset);
  }

  push(bytes: Buffer): void {
    if (this.#isClosed) return;
    this.#arrived.push(bytes);
    this.#begin();
  }

  end(how: HeldEnd): void {
    this.#ended = how;
    this.#begin();
  }

  /** Resolves when everything that arrived is acknowledged. */
  async finished(): Promise<void> {
    await this.#reading;
  }

  #begin(): void {
    this.#reading ??= this.#read().catch((error: unknown) => this.#options.onFailed(error));
  }

  async #read(): Promise<void> {
    // What arrives together is written together.
    await new Promise(setImmediate);
    while (this.#arrived.length > 0) await this.#turn();
    if (this.#ended) await this.#end();
    this.#reading = undefined;
  }

  async #turn(): Promise<void> {
    const { decoder, keep, send } = this.#options;
    const parts: Part[] = [];
    let reply = "";
    for (let bytes = 0; bytes < TURN_BYTES && this.#arrived.length > 0 && !this.#isClosed;) {
      const part = this.#decodePart();
      bytes += part.bytes;
      reply += part.reply;
      // An earlier receiver has kept what it has read.
      const isNew = this.#offset > this.#options.opening.readTo;
      if (isNew && hasEvents(part.sent)) parts.push(this.#partOf(part.sent, this.#offset));
    }
    await keep(...parts);
    const offset = this.#offset - decoder.heldBytes;
    const { state } = decoder;
    send(
      { type: "acknowledged", offset, readTo: this.#offset, state, isEnd: false },
      Buffer.from(reply),
    );
    if (this.#isClosed) send({ type: "close" });
    this.#report();
  }

  /** Decodes until a record ends. */
  #decodePart(): { sent: Part["sent"]; reply: string; bytes: number } {
    const { decoder, refuse } = this.#options;
    const sent: Part["sent"][number][] = [];
    let reply = "";
    let bytes = 0;
    while (bytes < RECORD_BYTES && this.#arrived.length > 0) {
      const chunk = this.#take();
      const decoded = decoder.push(chunk);
      sent.push(...decoded.sent);
      reply += decoded.reply ?? "";
      bytes += chunk.length;
      this.#offset += chunk.length;
      if (decoder.failure !== undefined) {
        refuse(`connection closed: ${decoder.failure}`);
        this.#isClosed = true;
        this.#arrived = [];
      }
      if (this.#offset === this.#cutAt[0]) {
        this.#cutAt.shift();
        break;
      }
    }
    return { sent: merged(sent), reply, bytes };
  }

  /** The next chunk, at most up to the offset at which a record has to end. */
  #take(): Buffer {
    const chunk = this.#arrived.shift() ?? Buffer.alloc(0);
    const [cutAt = Infinity] = this.#cutAt;
    const room = cutAt - this.#offset;
    if (chunk.length <= room) return chunk;
    this.#arrived.unshift(chunk.subarray(room));
    return chunk.subarray(0, room);
  }

  async #end(): Promise<void> {
    const { decoder, keep, send } = this.#options;
    const rest = this.#isClosed || this.#ended === "broken" ? [] : decoder.end();
    // After all that was read before the end.
    if (hasEvents(rest)) await keep(this.#partOf(rest, this.#offset + 1));
    const { state } = decoder;
    send({ type: "acknowledged", offset: this.#offset, readTo: this.#offset, state, isEnd: true });
  }

  #partOf(sent: Part["sent"], offset: number): Part {
    return { sent, readTo: { connection: this.#options.opening.connection, offset } };
  }

  #report(): void {
    const { decoder, refuse, onLost } = this.#options;
    if (decoder.skippedBytes > 0 && this.#skippedBytes === 0) refuse(OVERLONG);
    this.#skippedBytes = decoder.skippedBytes;
    if (decoder.lost > this.#lost) onLost(decoder.lost - this.#lost);
    this.#lost = decoder.lost;
  }
}

/** One for each sender. */
function merged(sent: Part["sent"]): Part["sent"] {
  if (sent.length < 2) return sent;
  const bySender = new Map<string, { lines: Uint8Array[]; documents: Uint8Array[] }>();
  for (const { sender, lines, documents } of sent) {
    const same = bySender.get(sender);
    if (!same) bySender.set(sender, { lines: [...lines], documents: [...documents] });
    else {
      for (const line of lines) same.lines.push(line);
      for (const document of documents) same.documents.push(document);
    }
  }
  return [...bySender].map(([sender, events]) => ({ sender, ...events }));
}
