import { ByteWriter } from "./byte-writer.ts";
import { type Chunk, ENCODING, type NumberData, type Page } from "./column.ts";
import { writeDelta } from "./delta.ts";
import { writeLevels } from "./encode-text.ts";

const TWO_32 = 2 ** 32;
/** Range of a JavaScript Date, ms before and after 1970. */
const DATE_MS_MAX = 8.64e15;

/** Rows [from, to) of a number column. */
export function encodeNumbers(column: NumberData, from: number, to: number): Chunk {
  const rows = to - from;
  const levels = new Uint32Array(rows);
  const present = new Float64Array(rows);
  const isWhole = column.kind === "long" || column.kind === "date";
  const limit = column.kind === "date" ? DATE_MS_MAX : Number.MAX_SAFE_INTEGER;
  let count = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let row = from; row < to; row += 1) {
    let value = column.values[row]!;
    if (Number.isNaN(value)) continue;
    // Columns of whole numbers have no fractions, and only values that a double represents exactly.
    if (isWhole) value = Math.min(Math.max(Math.trunc(value), -limit), limit) + 0;
    if (value < min) min = value;
    if (value > max) max = value;
    levels[row - from] = 1;
    present[count] = value;
    count += 1;
  }
  const page = new ByteWriter(count * 8 + rows / 8 + 64);
  writeLevels(page, levels, rows, 1);
  const values = present.subarray(0, count);
  const encoding = writeValues(page, column.kind, values);
  const data: Page = { isDictionary: false, values: rows, encoding, bytes: page.done() };
  const chunk: Chunk = { pages: [data], values: rows, nulls: rows - count };
  if (count > 0 && column.kind !== "boolean") {
    chunk.bounds = { min: physical(min, isWhole), max: physical(max, isWhole) };
  }
  return chunk;
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
