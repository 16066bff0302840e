/** The first bytes of a chunk. After them: message id (8 bytes), number of the chunk, count of chunks. */
const MAGIC = 0x1e0f;
const ID_END = 10;
const HEADER_BYTES = 12;
const CHUNKS_MAX = 128;

export type GelfChunkLimits = {
  /** A message whose chunks do not all arrive within this time is given up. */
  ageMsMax: number;
  /** Incomplete messages of all senders, and their bytes: beyond these the oldest ones are given up. */
  messagesMax: number;
  bytesMax: number;
};

type Incomplete = {
  /** Of its first chunk. */
  offset: number;
  sinceMs: number;
  parts: (Buffer | undefined)[];
  missing: number;
  bytes: number;
};

/** Assembles GELF messages that were sent in chunks over UDP, in any order. */
export class GelfChunks {
  readonly #limits: GelfChunkLimits;
  /** By sender and message id; oldest first. */
  readonly #incomplete = new Map<string, Incomplete>();
  #bytes = 0;
  /** Messages that were given up because chunks are missing, or because too many were incomplete. */
  lost = 0;
  /** Datagrams with an invalid chunk header. */
  invalid = 0;

  constructor(limits: GelfChunkLimits) {
    this.#limits = limits;
  }

  /** Bytes of the chunks that wait for others. */
  get heldBytes(): number {
    return this.#bytes;
  }

  /** Where the oldest incomplete message began, as given to `add`. */
  get oldestOffset(): number | undefined {
    const [oldest] = this.#incomplete.values();
    return oldest?.offset;
  }

  /** The message, if the datagram is one or completes one. `offset`: an ascending number of the datagram. */
  add(
    datagram: Buffer,
    sender: string,
    { nowMs, offset }: { nowMs: number; offset: number },
  ): Buffer | undefined {
    if (!isChunk(datagram)) return datagram;
    this.expire(nowMs);
    const number = datagram[ID_END] ?? 0;
    const count = datagram[ID_END + 1] ?? 0;
    if (datagram.length <= HEADER_BYTES || count === 0 || count > CHUNKS_MAX || number >= count) {
      this.invalid += 1;
      return undefined;
    }
    const key = `${sender} ${datagram.toString("latin1", 2, ID_END)}`;
    const message = this.#incomplete.get(key) ?? newMessage(count, { nowMs, offset });
    if (message.parts.length !== count) {
      this.invalid += 1;
      return undefined;
    }
    if (message.parts[number]) return undefined;
    this.#incomplete.set(key, message);
    const part = Buffer.from(datagram.subarray(HEADER_BYTES));
    message.parts[number] = part;
    message.missing -= 1;
    message.bytes += part.length;
    this.#bytes += part.length;
    if (message.missing === 0) return this.#complete(key, message);
    this.#limit();
    return undefined;
  }

  /** Gives up messages whose chunks did not arrive in time. */
  expire(nowMs: number): void {
    for (const [key, { sinceMs }] of this.#incomplete) {
      // Absolute, so that messages are also given up after the clock was set back.
      if (Math.abs(nowMs - sinceMs) <= this.#limits.ageMsMax) return;
      this.#giveUp(key);
    }
  }

  #complete(key: string, { parts, bytes }: Incomplete): Buffer {
    this.#incomplete.delete(key);
    this.#bytes -= bytes;
    return Buffer.concat(parts.filter((part) => part !== undefined));
  }

  #limit(): void {
    const { messagesMax, bytesMax } = this.#limits;
    for (const key of this.#incomplete.keys()) {
      if (this.#incomplete.size <= messagesMax && this.#bytes <= bytesMax) return;
      this.#giveUp(key);
    }
  }

  #giveUp(key: string): void {
    this.#bytes -= this.#incomplete.get(key)?.bytes ?? 0;
    this.#incomplete.delete(key);
    this.lost += 1;
  }
}

const isChunk = (datagram: Buffer): boolean =>
  datagram.length >= 2 && datagram.readUInt16BE(0) === MAGIC;

const newMessage = (
  count: number,
  { nowMs: sinceMs, offset }: { nowMs: number; offset: number },
): Incomplete => ({
  offset,
  sinceMs,
  parts: Array.from({ length: count }, () => undefined),
  missing: count,
  bytes: 0,
});
