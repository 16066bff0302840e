import type { ByteWriter } from "./byte-writer.ts";
import { type Chunk, ENCODING, type NumberData, type Page } from "./column.ts";
import { writeDelta } from "./delta.ts";
import { writePresence } from "./hybrid.ts";
import { reusedNumbers, reusedWords, reusedWriter } from "./scratch.ts";

const TWO_32 = 2 ** 32;
/** Range of a JavaScript Date, ms before and after 1970. */
const DATE_MS_MAX = 8.64e15;

const takePresence = reusedWords();
const takeValues = reusedNumbers();
const takePage = reusedWriter(256 * 1024);

/** Rows [from, to) of a number column. The page is valid until the next column is encoded. */
export function encodeNumbers(column: NumberData, from: number, to: number): Chunk {
  const { kind } = column;
  const rows = to - from;
  const all = column.values.subarray(from, to);
  const range = rangeOf(all);
  const nulls = rows - range.count;
  const limit = kind === "date" ? DATE_MS_MAX : Number.MAX_SAFE_INTEGER;
  const isWhole = kind === "long" || kind === "date";
  const isChanged = isWhole && !(range.isWhole && range.min >= -limit && range.max <= limit);
  const presence = takePresence(rows);
  let values = nulls > 0 ? presentValues(all, presence) : all;
  if (isChanged) values = wholeValues(values, limit);
  const page = takePage();
  writePresence(page, presence, nulls);
  const encoding = writeValues(page, kind, values);
  const data: Page = { isDictionary: false, values: rows, encoding, bytes: page.done() };
  const chunk: Chunk = { pages: [data], values: rows, nulls };
  if (range.count === 0 || kind === "boolean") return chunk;
  const boundOf = (value: number): Buffer =>
    physical(isChanged ? wholeOf(value, limit) : value, isWhole);
  chunk.bounds = { min: boundOf(range.min), max: boundOf(range.max) };
  return chunk;
}

/** The number of values that are not null, their bounds, and whether none has a fraction. */
type Range = { count: number; min: number; max: number; isWhole: boolean };

function rangeOf(values: Float64Array): Range {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let whole = 0;
  let fractions = 0;
  for (let row = 0; row < values.length; row += 1) {
    const value = values[row]!;
    if (value === Math.floor(value)) whole += 1;
    else if (value === value) fractions += 1;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return { count: whole + fractions, min, max, isWhole: fractions === 0 };
}

/** The values that are not null; `presence` is 0 for those that are. */
function presentValues(values: Float64Array, presence: Uint32Array): Float64Array {
  const present = takeValues(values.length);
  let count = 0;
  for (let row = 0; row < values.length; row += 1) {
    const value = values[row]!;
    const isPresent = Number.isNaN(value) ? 0 : 1;
    presence[row] = isPresent;
    present[count] = value;
    count += isPresent;
  }
  return present.subarray(0, count);
}

/** Columns of whole numbers have no fractions, and only values that a double represents exactly. */
function wholeValues(values: Float64Array, limit: number): Float64Array {
  const whole = takeValues(values.length);
  for (let i = 0; i < values.length; i += 1) whole[i] = wholeOf(values[i]!, limit);
  return whole;
}

function wholeOf(value: number, limit: number): number {
  return Math.min(Math.max(Math.trunc(value), -limit), limit);
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
