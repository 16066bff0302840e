import { isUtf8 } from "node:buffer";

import { escapeInvalidUtf8 } from "./formats/bytes.ts";
import type { LineArrays } from "./plain-lines/arrays.ts";

const ARENA_BYTES_MIN = 256 * 1024;
/** A larger buffer, which a batch with very long lines required, is not kept. */
const ARENA_BYTES_KEPT = 96 * 1024 * 1024;
const CR = 0x0d;

/** Returns what replaces the line of a row, which is in [start, end) of the bytes. */
type ReplaceLine = (
  row: number,
  line: { bytes: Uint8Array; start: number; end: number },
) => Uint8Array | undefined;

/** The original line of each row, unchanged and one after the other. */
export class LineColumn {
  /** Where the line of each row begins in the buffer, and its number of bytes, which is 0 for rows without a line. */
  #starts: Uint32Array<ArrayBuffer>;
  #lengths: Uint32Array<ArrayBuffer>;
  /** The lines are in [#from, #to) of the buffer. */
  #buffer = Buffer.allocUnsafeSlow(0);
  #from = 0;
  #to = 0;
  #used = 0;
  /** The bytes of `begin`, and where they are in the buffer. */
  #begun: Uint8Array | undefined;
  #base = 0;
  /**
   * Whether every line is valid UTF-8. It is examined where the bytes were just read: lines are valid if the text from which
   * they are taken is, because line ends do not split characters.
   */
  isText = true;
  #shared: LineArrays | undefined;

  constructor(rowsMax: number) {
    this.#starts = new Uint32Array(rowsMax);
    this.#lengths = new Uint32Array(rowsMax);
  }

  /** The number of bytes of all lines. */
  get used(): number {
    return this.#used;
  }

  /** Where the bytes of `begin` are in the buffer, or in the shared memory; -1 if others were written there since. */
  beginOf(bytes: Uint8Array): number {
    return bytes === this.#begun ? this.#base : -1;
  }

  /** To be called after lines were written into the shared arrays; `used`: the bytes of all lines then. */
  setUsed(used: number): void {
    this.#used = used;
  }

  /** From now on the arrays are used as long as they are large enough. The column has to be empty. */
  share(shared: LineArrays): void {
    this.#shared = shared;
    this.reset();
  }

  /** Sets the line of the row to the bytes in [start, end). Rows have to be set in ascending order. */
  put(row: number, bytes: Uint8Array, start: number, end: number): void {
    this.begin(bytes.subarray(start, end));
    this.#begun = undefined;
    this.#take(row, this.#base, this.#base + end - start);
  }

  /**
   * Copies bytes from which the lines of the next rows are taken, in their order, unless they are in the shared memory.
   * Without it each line is copied for itself, which requires a view of each.
   */
  begin(bytes: Uint8Array): void {
    const end = this.#from + this.#used + bytes.length;
    if (end > this.#to) this.#grow(this.#used + bytes.length);
    this.isText &&= isUtf8(bytes);
    this.#begun = bytes;
    this.#base = bytes.byteOffset;
    if (bytes.buffer === this.#buffer.buffer) return;
    this.#base = this.#from + this.#used;
    this.#buffer.set(bytes, this.#base);
  }

  /**
   * Sets the line of the row to that which `eachLine` found in [start, end), with the CR of a CRLF. Every line of a source
   * passes here before anything is stored.
   */
  putLine(row: number, bytes: Uint8Array, start: number, end: number): void {
    const to = endWithCr(bytes, end);
    if (bytes === this.#begun) this.#take(row, this.#base + start, this.#base + to);
    else this.put(row, bytes, start, to);
  }

  #take(row: number, from: number, to: number): void {
    this.#buffer.copyWithin(this.#from + this.#used, from, to);
    this.#starts[row] = this.#used;
    this.#lengths[row] = to - from;
    this.#used += to - from;
  }

  /** Removes the line of the last row. */
  remove(row: number): void {
    this.#used -= this.#lengths[row]!;
    this.#lengths[row] = 0;
  }

  /**
   * Replaces the lines of rows [fromRow, toRow), which have to be the last ones, by what `replacementOf` returns for them.
   * Undefined keeps a line.
   */
  replace(fromRow: number, toRow: number, replacementOf: ReplaceLine): void {
    const replacements = new Map<number, Uint8Array>();
    for (let row = fromRow; row < toRow; row += 1) {
      if (this.#lengths[row] === 0) continue;
      const start = this.#from + this.#starts[row]!;
      const end = start + this.#lengths[row]!;
      const line = replacementOf(row, { bytes: this.#buffer, start, end });
      if (line) replacements.set(row, line);
    }
    const [first] = replacements.keys();
    if (first === undefined) return;
    const [from, to] = [this.#starts[first]!, this.#used];
    const old = Buffer.from(this.#buffer.subarray(this.#from + from, this.#from + to));
    this.#used = from;
    for (let row = first; row < toRow; row += 1) {
      const start = this.#starts[row]! - from;
      const kept = old.subarray(start, start + this.#lengths[row]!);
      if (kept.length > 0) this.#append(row, replacements.get(row) ?? kept);
    }
    this.#begun = undefined;
  }

  #append(row: number, line: Uint8Array): void {
    const end = this.#from + this.#used + line.length;
    if (end > this.#to) this.#grow(this.#used + line.length);
    this.#buffer.set(line, this.#from + this.#used);
    this.#starts[row] = this.#used;
    this.#lengths[row] = line.length;
    this.#used += line.length;
  }

  /** Keeps the lines of these rows, in ascending order, of the rows from `fromRow` up to `rows`. */
  keep(fromRow: number, kept: Uint32Array, rows: number): void {
    let used = this.#startOf(fromRow, rows);
    for (const [index, row] of kept.entries()) {
      const start = this.#starts[row]!;
      const length = this.#lengths[row]!;
      this.#buffer.copyWithin(this.#from + used, this.#from + start, this.#from + start + length);
      this.#starts[fromRow + index] = used;
      this.#lengths[fromRow + index] = length;
      used += length;
    }
    this.#used = used;
    this.#lengths.fill(0, fromRow + kept.length, rows);
    this.#begun = undefined;
  }

  /** Where the lines of the rows from this one on begin. */
  #startOf(fromRow: number, rows: number): number {
    for (let row = fromRow; row < rows; row += 1) {
      if (this.#lengths[row] !== 0) return this.#starts[row]!;
    }
    return this.#used;
  }

  has(row: number): boolean {
    return this.#lengths[row] !== 0;
  }

  /** A view of the row's line, which is empty if the row has none: valid until the column is written to again. */
  bytes(row: number): Uint8Array {
    const start = this.#from + (this.#starts[row] ?? 0);
    return this.#buffer.subarray(start, start + (this.#lengths[row] ?? 0));
  }

  /** All lines. Valid until a write. */
  get content(): { bytes: Buffer; starts: Uint32Array; lengths: Uint32Array } {
    const bytes = this.#buffer.subarray(this.#from, this.#from + this.#used);
    return { bytes, starts: this.#starts, lengths: this.#lengths };
  }

  /** Ensures capacity for rows up to this number. */
  reserve(rowsMax: number): void {
    if (rowsMax <= this.#starts.length) return;
    const [starts, lengths] = [this.#starts, this.#lengths];
    this.#starts = new Uint32Array(rowsMax);
    this.#starts.set(starts);
    this.#lengths = new Uint32Array(rowsMax);
    this.#lengths.set(lengths);
    this.#shared?.leave();
  }

  reset(): void {
    if (this.#shared) {
      this.#starts = this.#shared.starts;
      this.#lengths = this.#shared.lengths;
      this.#buffer = this.#shared.memory;
      this.#from = this.#shared.begin;
      this.#to = this.#shared.end;
    } else if (this.#buffer.length > ARENA_BYTES_KEPT) {
      this.#useOwn(Buffer.allocUnsafeSlow(ARENA_BYTES_MIN));
    }
    this.#lengths.fill(0);
    this.#used = 0;
    this.isText = true;
    this.#begun = undefined;
  }

  #grow(lengthMin: number): void {
    const bigger = Buffer.allocUnsafeSlow(
      Math.max((this.#to - this.#from) * 2, lengthMin, ARENA_BYTES_MIN),
    );
    this.#buffer.copy(bigger, 0, this.#from, this.#from + this.#used);
    this.#useOwn(bigger);
    this.#shared?.leave();
  }

  #useOwn(buffer: Buffer<ArrayBuffer>): void {
    this.#buffer = buffer;
    this.#from = 0;
    this.#to = buffer.length;
  }
}

/** The end of a line that `eachLine` found, including the CR of a CRLF. */
export function endWithCr(bytes: Uint8Array, end: number): number {
  return bytes[end] === CR ? end + 1 : end;
}

/** The end of a line in a column of lines, without the CR of a CRLF. */
export function endWithoutCr(line: Uint8Array): number {
  return line.at(-1) === CR ? line.length - 1 : line.length;
}

/** The line as text, with `\xHH` for bytes that are not valid UTF-8. */
export function lineText(line: Uint8Array): string {
  const valid = escapeInvalidUtf8(line);
  return Buffer.from(valid.buffer, valid.byteOffset, valid.length).toString();
}
