import type { ByteWriter } from "./byte-writer.ts";
import { bitWidth, writeBits } from "./hybrid.ts";

const BLOCK = 128;
const MINIBLOCK = 32;
const MINIBLOCKS = BLOCK / MINIBLOCK;
/** Wider differences do not save space compared to plain numbers. */
const WIDTH_MAX = 24;
/** Differences of smaller values are exact. */
const VALUE_MAX = 2 ** 51;
const DELTA_MAX = VALUE_MAX / BLOCK / 2;

const deltas = new Float64Array(BLOCK);
const adjusted = new Uint32Array(BLOCK);

/**
 * Writes whole numbers in Parquet's DELTA_BINARY_PACKED: for each block of 128 the smallest difference between
 * neighbours, then the differences above it in as few bits as each group of 32 needs. Returns false, and writes
 * nothing, if the differences are so large that plain numbers are not longer.
 */
export function writeDelta(out: ByteWriter, values: Float64Array): boolean {
  const start = out.length;
  if (!(Math.abs(values[0]!) <= VALUE_MAX)) return false;
  out.varint(BLOCK);
  out.varint(MINIBLOCKS);
  out.varint(values.length);
  writeZigzag(out, values[0]!);
  for (let from = 1; from < values.length; from += BLOCK) {
    if (!writeBlock(out, values, from, Math.min(from + BLOCK, values.length))) {
      out.length = start;
      return false;
    }
  }
  return true;
}

function writeBlock(out: ByteWriter, values: Float64Array, from: number, to: number): boolean {
  const first = values[from - 1]!;
  let previous = first;
  let least = Number.POSITIVE_INFINITY;
  let greatest = Number.NEGATIVE_INFINITY;
  const count = to - from;
  for (let i = 0; i < count; i += 1) {
    const value = values[from + i]!;
    const delta = value - previous;
    previous = value;
    deltas[i] = delta;
    if (delta < least) least = delta;
    if (delta > greatest) greatest = delta;
  }
  if (!(greatest - least < 2 ** WIDTH_MAX && Math.abs(first) <= VALUE_MAX)) return false;
  // All values of the block are then exact too.
  if (Math.abs(least) > DELTA_MAX) return false;
  deltas.fill(least, count);
  writeZigzag(out, least);
  const widthsAt = out.length;
  out.u32(0);
  for (let mini = 0; mini * MINIBLOCK < count; mini += 1) {
    const end = (mini + 1) * MINIBLOCK;
    let all = 0;
    for (let i = end - MINIBLOCK; i < end; i += 1) all |= adjusted[i] = deltas[i]! - least;
    const width = bitWidth(all);
    out.room(0)[widthsAt + mini] = width;
    writeBits(out, adjusted, end - MINIBLOCK, end, width);
  }
  return true;
}

function writeZigzag(out: ByteWriter, value: number): void {
  out.varint(value < 0 ? -value * 2 - 1 : value * 2);
}
