import type { ByteWriter } from "./byte-writer.ts";
import { type Chunk, ENCODING, type NumberData, type Page } from "./column.ts";
import { writeDelta } from "./delta.ts";
import { writeLevels } from "./encode-text.ts";
import { reusedNumbers, reusedWords, reusedWriter } from "./scratch.ts";

const TWO_32 = 2 ** 32;
/** Range of a JavaScript Date, ms before and after 1970. */
const DATE_MS_MAX = 8.64e15;

const takeLevels = reusedWords();
const takeValues = reusedNumbers();
const takePage = reusedWriter(256 * 1024);

/** Rows [from, to) of a number column. The page is valid until the next column is encoded. */
export function encodeNumbers(column: NumberData, from: number, to: number): Chunk {
  const rows = to - from;
  const levels = takeLevels(rows);
  const isWhole = column.kind === "long" || column.kind === "date";
  const present = presentValues(column.values.subarray(from, to), levels);
  if (isWhole) makeWhole(present, column.kind === "date" ? DATE_MS_MAX : Number.MAX_SAFE_INTEGER);
  const page = takePage();
  writeLevels(page, levels, rows, 1);
  const encoding = writeValues(page, column.kind, present);
  const data: Page = { isDictionary: false, values: rows, encoding, bytes: page.done() };
  const chunk: Chunk = { pages: [data], values: rows, nulls: rows - present.length };
  if (present.length > 0 && column.kind !== "boolean") chunk.bounds = boundsOf(present, isWhole);
  return chunk;
}

/** The values that are not null; writes the levels of all. */
function presentValues(values: Float64Array, levels: Uint32Array): Float64Array {
  const present = takeValues(values.length);
  let count = 0;
  for (let row = 0; row < values.length; row += 1) {
    const value = values[row]!;
    const isPresent = Number.isNaN(value) ? 0 : 1;
    levels[row] = isPresent;
    present[count] = value;
    count += isPresent;
  }
  return present.subarray(0, count);
}

/** Columns of whole numbers have no fractions, and only values that a double represents exactly. */
function makeWhole(values: Float64Array, limit: number): void {
  for (let i = 0; i < values.length; i += 1) {
    values[i] = Math.min(Math.max(Math.trunc(values[i]!), -limit), limit) + 0;
  }
}

function boundsOf(values: Float64Array, isWhole: boolean): { min: Buffer; max: Buffer } {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i]!;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return { min: physical(min, isWhole), max: physical(max, isWhole) };
}

/** Writes the values and returns the number of their encoding. */
function writeValues(out: ByteWriter, kind: NumberData["kind"], values: Float64Array): number {
  if (kind === "boolean") writeBits(out, values);
  else if (kind === "double") writeDoubles(out, values);
  else if (values.length > 0 && writeDelta(out, values)) return ENCODING.delta;
  else writeLongs(out, values);
  return ENCODING.plain;
}

function writeBits(out: ByteWriter, values: Float64Array): void {
  for (let i = 0; i < values.length; i += 8) {
    let byte = 0;
    for (let bit = 0; bit < 8 && i + bit < values.length; bit += 1) {
      if (values[i + bit] !== 0) byte |= 1 << bit;
    }
    out.u8(byte);
  }
}

function writeDoubles(out: ByteWriter, values: Float64Array): void {
  for (const value of values) out.f64(value);
}

function writeLongs(out: ByteWriter, values: Float64Array): void {
  const bytes = out.room(values.length * 8);
  let at = out.length;
  for (const value of values) at = putLong(bytes, value, at);
  out.length = at;
}

function putLong(bytes: Buffer, value: number, at: number): number {
  const high = Math.floor(value / TWO_32);
  bytes.writeUInt32LE(value - high * TWO_32, at);
  return bytes.writeInt32LE(high, at + 4);
}

function physical(value: number, isWhole: boolean): Buffer {
  const bytes = Buffer.alloc(8);
  if (isWhole) putLong(bytes, value, 0);
  else bytes.writeDoubleLE(value);
  return bytes;
}
