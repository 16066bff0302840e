/** The number of bytes of a length, or of another number, that encoders write for lengths of bodies. */
const NUMBER_BYTES_MAX = 4;

/** What a tag says about its field: the number, and how the value is encoded. */
export const TEXT = 2;
export const NUMBER = 0;
export const FIXED_64 = 1;
export const FIXED_32 = 5;

/** What stands for invalid bytes in a text. */
export const REPLACEMENT = "\ufffd";

/** The tag of a field whose number is below 16. */
export const tagOf = (field: number, type: number): number => (field << 3) | type;

/**
 * Reads numbers of the protobuf wire format as its encoders write them. What is encoded otherwise may be valid, which the library
 * decides.
 */
export class WireReader {
  readonly bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** The number here, and moves behind it; -1 if there is none of few bytes before the limit. */
  number(limit: number): number {
    let value = 0;
    for (let n = 0; n < NUMBER_BYTES_MAX; n += 1) {
      if (this.at >= limit) return -1;
      const byte = this.bytes[this.at] ?? 0;
      this.at += 1;
      value |= (byte & 0x7f) << (7 * n);
      if (byte < 0x80) return value;
    }
    return -1;
  }

  /** Where the value ends whose length is here, and moves behind the length; -1 if that is after the limit. */
  valueEnd(limit: number): number {
    const length = this.number(limit);
    const end = this.at + length;
    return length < 0 || end > limit ? -1 : end;
  }
}

/** A field of a message: its number, where it begins, and its value in [start, end). */
export type Field = { number: number; at: number; start: number; end: number };

const FIELD_MAX = 15;

/** Reads the fields of the message in [at, end), all of which have to be texts, bytes or messages. */
export class MessageFields implements Field {
  number = 0;
  at = 0;
  start = 0;
  end: number;
  /** False if a field is not as expected, and is not read. */
  isUsual = true;
  readonly #wire: WireReader;
  readonly #limit: number;

  constructor(bytes: Uint8Array, { start, end }: { start: number; end: number }) {
    this.#wire = new WireReader(bytes);
    this.end = start;
    this.#limit = end;
  }

  /** Moves to the next field. False at the end of the message, or of what is usual of it. */
  next(): boolean {
    const wire = this.#wire;
    this.at = this.end;
    if (this.at >= this.#limit) return false;
    const tag = wire.bytes[this.at] ?? 0;
    wire.at = this.at + 1;
    this.number = tag >> 3;
    this.isUsual = (tag & 7) === TEXT && this.number > 0 && this.number <= FIELD_MAX;
    if (!this.isUsual) return false;
    this.end = wire.valueEnd(this.#limit);
    this.start = wire.at;
    this.isUsual = this.end >= 0;
    return this.isUsual;
  }
}

/** The bytes of a field whose value consists of these parts. */
export function messageField(field: number, ...parts: readonly Uint8Array[]): Buffer {
  let length = parts.reduce((sum, { length: bytes }) => sum + bytes, 0);
  const head = [tagOf(field, TEXT)];
  for (; length >= 0x80; length >>>= 7) head.push((length & 0x7f) | 0x80);
  return Buffer.concat([Buffer.from([...head, length]), ...parts]);
}
