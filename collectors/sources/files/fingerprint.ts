import { hash } from "node:crypto";

import type { Position, SourceId } from "#collectors/source.ts";

import type { ByteReader } from "./byte-reader.ts";

/** Number of bytes at the beginning of a stream that identify it. */
export const HEAD_BYTES = 1024;
/** Number of bytes before the position that are compared before reading continues. */
const TAIL_BYTES = 256;
/** Marks are hashes of the bytes before each power of two: 64, 128, … bytes into the stream. */
const MARK_FIRST = 6;
const MARK_BYTES = 64;
const MARK_DIGITS = 8;
const MARK_UNKNOWN = "-".repeat(MARK_DIGITS);
const LF = 0x0a;
const COMMENT = 0x23;

type Range = { from: number; to: number; digest: string };

function digest(bytes: Uint8Array): string {
  return hash("sha1", bytes, "hex").slice(0, MARK_DIGITS);
}

/**
 * The bytes that identify a stream: the first line that is not a comment (some servers begin every log with the same
 * comments), limited to the head; undefined until it is written.
 */
export function nameOf(head: Buffer, lastLineCounts: boolean): Buffer | undefined {
  let start = 0;
  for (;;) {
    const end = head.indexOf(LF, start);
    if (end < 0) {
      const isWhole = head.length === HEAD_BYTES || (lastLineCounts && head.length > 0);
      return isWhole ? head : undefined;
    }
    if (head[start] !== COMMENT) return head.subarray(start, end);
    start = end + 1;
  }
}

/** `attempt` distinguishes streams with the same identifying bytes. */
export function sourceIdOf(name: Buffer, attempt: number): SourceId {
  const content = Buffer.concat([name, Buffer.from(`\n${attempt}`)]);
  return `src_${hash("sha256", content, "hex").slice(0, 24)}`;
}

/** Hashes of the bytes that were read, to find them in another file. */
export class Fingerprint {
  /** Offset of the stream's first line: after NULs and a byte order mark. */
  readonly start: number;
  offset: number;
  #marks = "";
  #head: Buffer = Buffer.alloc(0);
  #tail: Buffer = Buffer.alloc(0);

  constructor(start: number) {
    this.start = start;
    this.offset = start;
  }

  get tail(): Buffer {
    return this.#tail;
  }

  /** The first bytes of the stream, up to MARK_BYTES. */
  get front(): Buffer {
    return this.#head.subarray(0, MARK_BYTES);
  }

  /** Adds the bytes in [offset, end); `bytes` may be only the first of them. */
  advance(bytes: Uint8Array, end: number): void {
    const before = this.offset;
    const recent = Buffer.concat([this.#tail, bytes.subarray(0, HEAD_BYTES)]);
    if (this.#head.length < HEAD_BYTES) {
      const missing = HEAD_BYTES - this.#head.length;
      this.#head = Buffer.concat([this.#head, bytes.subarray(0, missing)]);
    }
    for (let at = this.#nextMark(); at <= end - this.start; at = this.#nextMark()) {
      this.#marks += this.#mark(at, { before, recent, bytes });
    }
    this.offset = end;
    const skipped = before + bytes.length < end;
    const last = bytes.length >= TAIL_BYTES ? bytes : recent;
    this.#tail = skipped ? Buffer.alloc(0) : Buffer.from(last.subarray(-TAIL_BYTES));
  }

  copy(): Fingerprint {
    const copy = new Fingerprint(this.start);
    copy.offset = this.offset;
    copy.#marks = this.#marks;
    copy.#head = this.#head;
    copy.#tail = this.#tail;
    return copy;
  }

  /** A copy with these following bytes added. */
  after(bytes: Uint8Array): Fingerprint {
    const copy = this.copy();
    copy.advance(bytes, this.offset + bytes.length);
    return copy;
  }

  toPosition(): Position {
    const { offset, start } = this;
    const tailBytes = this.#tail.length;
    return { offset, start, marks: this.#marks, tail: digest(this.#tail), tailBytes };
  }

  /**
   * Compares a file with the fingerprint of `position`. `same`: the file contains everything that was read, and reading
   * can continue; `short`: it contains only the beginning of it; `other`: it is another stream.
   */
  static async find(reader: ByteReader, position: Position): Promise<Found> {
    const found = new Fingerprint(numberIn(position, "start"));
    const { start } = found;
    const offset = numberIn(position, "offset");
    const headBytes = Math.min(HEAD_BYTES, offset - start);
    found.#head = await readRange(reader, start, start + headBytes);
    found.#marks = String(position["marks"] ?? "");
    found.offset = offset;
    const ranges = rangesOf(position);
    for (const range of ranges) {
      const inHead = range.to <= start + found.#head.length;
      const bytes = inHead
        ? found.#head.subarray(range.from - start, range.to - start)
        : await readRange(reader, range.from, range.to);
      if (bytes.length < range.to - range.from) return "short";
      if (digest(bytes) !== range.digest) return "other";
      if (range.to === offset) found.#tail = Buffer.from(bytes.subarray(-TAIL_BYTES));
    }
    return found.#head.length < headBytes ? "short" : found;
  }

  #nextMark(): number {
    return 2 ** (MARK_FIRST + this.#marks.length / MARK_DIGITS);
  }

  #mark(at: number, read: { before: number; recent: Buffer; bytes: Uint8Array }): string {
    if (at <= this.#head.length) return digest(this.#head.subarray(0, at));
    const end = this.start + at - read.before;
    if (end >= MARK_BYTES && end <= read.bytes.length) {
      return digest(read.bytes.subarray(end - MARK_BYTES, end));
    }
    const recentEnd = end + this.#tail.length;
    if (recentEnd >= MARK_BYTES && recentEnd <= read.recent.length) {
      return digest(read.recent.subarray(recentEnd - MARK_BYTES, recentEnd));
    }
    return MARK_UNKNOWN;
  }
}

export type Found = Fingerprint | "short" | "other";

/** In ascending order, because some streams can only be read forward. */
function rangesOf(position: Position): Range[] {
  const start = numberIn(position, "start");
  const marks = String(position["marks"] ?? "");
  const ranges: Range[] = [];
  for (let index = 0; index * MARK_DIGITS < marks.length; index += 1) {
    const at = 2 ** (MARK_FIRST + index);
    const mark = marks.slice(index * MARK_DIGITS, (index + 1) * MARK_DIGITS);
    const from = at <= HEAD_BYTES ? start : start + at - MARK_BYTES;
    if (mark !== MARK_UNKNOWN) ranges.push({ from, to: start + at, digest: mark });
  }
  const to = numberIn(position, "offset");
  const from = to - numberIn(position, "tailBytes");
  ranges.push({ from, to, digest: String(position["tail"]) });
  return ranges.toSorted((a, b) => a.from - b.from || a.to - b.to);
}

function numberIn(position: Position, key: string): number {
  const value = position[key];
  return typeof value === "number" ? value : 0;
}

export async function readRange(reader: ByteReader, from: number, to: number): Promise<Buffer> {
  const bytes = Buffer.alloc(to - from);
  return bytes.subarray(0, await reader.read(bytes, from));
}
