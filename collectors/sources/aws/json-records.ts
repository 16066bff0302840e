import type { ByteReader } from "../files/byte-reader.ts";

const LF = 0x0a;
const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const [OPEN_LIST, CLOSE_LIST, OPEN, CLOSE, COMMA] = [0x5b, 0x5d, 0x7b, 0x7d, 0x2c];

/** The beginning of a JSON object with records, as CloudTrail writes: `{"Records":[`. */
const BEGINNING = /^\s*\{\s*"Records"\s*:\s*\[/;

/** Length of what precedes the first record; undefined if the content is no JSON object with records. */
export function recordsBegin(first: Buffer): number | undefined {
  return BEGINNING.exec(first.toString("latin1"))?.[0].length;
}

/**
 * Reads the records of `{"Records":[…]}` as lines. Every byte keeps its offset: what is around the records becomes line
 * ends, and a line end within a record a space.
 */
export class JsonRecords implements ByteReader {
  readonly #reader: ByteReader;
  readonly #begin: number;
  #at = 0;
  /** Objects and lists that are open within the record; 0 between records. */
  #depth = 0;
  #isString = false;
  #isEscaped = false;
  /** After the list of records. */
  #isOver = false;

  /** `begin` is the offset of the first record. */
  constructor(reader: ByteReader, begin: number) {
    this.#reader = reader;
    this.#begin = begin;
  }

  get damage(): string | undefined {
    return this.#reader.damage;
  }

  /** Reads continue, or begin again between two records. */
  async read(into: Buffer, at: number): Promise<number> {
    const count = await this.#reader.read(into, at);
    if (at !== this.#at) {
      this.#depth = 0;
      this.#isString = false;
      this.#isEscaped = false;
    }
    this.#at = at + count;
    const start = Math.min(Math.max(0, this.#begin - at), count);
    into.fill(LF, 0, start);
    this.#split(into.subarray(start, count));
    return count;
  }

  #split(bytes: Buffer): void {
    for (let i = 0; i < bytes.length; i += 1) {
      if (this.#isOver) {
        bytes.fill(LF, i);
        return;
      }
      const byte = bytes[i] ?? 0;
      if (this.#isString) this.#inString(byte);
      else if (this.#depth === 0) bytes[i] = this.#between(byte);
      else this.#inRecord(byte);
      // A line end cannot be in a string of JSON, but could be in one of another text.
      if ((this.#depth > 0 || this.#isString) && byte < SPACE) bytes[i] = SPACE;
    }
  }

  #inString(byte: number): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === BACKSLASH) this.#isEscaped = true;
    else if (byte === QUOTE) this.#isString = false;
  }

  #inRecord(byte: number): void {
    if (byte === QUOTE) this.#isString = true;
    else if (byte === OPEN || byte === OPEN_LIST) this.#depth += 1;
    else if (byte === CLOSE || byte === CLOSE_LIST) this.#depth -= 1;
  }

  #between(byte: number): number {
    if (byte === COMMA || byte <= SPACE) return LF;
    if (byte === CLOSE_LIST || byte === CLOSE) {
      this.#isOver = true;
      return LF;
    }
    if (byte === QUOTE) this.#isString = true;
    else if (byte === OPEN || byte === OPEN_LIST) this.#depth = 1;
    return byte;
  }
}
