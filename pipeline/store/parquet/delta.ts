import type { ByteWriter } from "./byte-writer.ts";
import { bitWidth } from "./hybrid.ts";

const BLOCK = 128;
const MINIBLOCK = 32;
const MINIBLOCKS = BLOCK / MINIBLOCK;
/** Wider differences do not save space compared to plain numbers. */
const WIDTH_MAX = 24;
/** Differences of smaller values are exact. */
const VALUE_MAX = 2 ** 51;

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
  let least = Number.POSITIVE_INFINITY;
  let greatest = Number.NEGATIVE_INFINITY;
  for (let i = from; i < to; i += 1) {
    const delta = values[i]! - values[i - 1]!;
    if (!(Math.abs(values[i]!) <= VALUE_MAX)) return false;
    if (delta < least) least = delta;
    if (delta > greatest) greatest = delta;
  }
  if (greatest - least >= 2 ** WIDTH_MAX) return false;
  const count = to - from;
  for (let i = 0; i < count; i += 1) {
    adjusted[i] = values[from + i]! - values[from + i - 1]! - least;
  }
  adjusted.fill(0, count);
  writeZigzag(out, least);
  const widthsAt = out.length;
  for (let i = 0; i < MINIBLOCKS; i += 1) out.u8(0);
  for (let mini = 0; mini * MINIBLOCK < count; mini += 1) {
    const width = packMiniblock(out, mini * MINIBLOCK);
    out.room(0)[widthsAt + mini] = width;
  }
  return true;
}

/** Packs 32 of the adjusted differences; returns the number of bits of each. */
function packMiniblock(out: ByteWriter, from: number): number {
  let all = 0;
  for (let i = from; i < from + MINIBLOCK; i += 1) all |= adjusted[i]!;
  const width = bitWidth(all);
  const bytes = out.room(width * 4);
  let at = out.length;
  let held = 0;
  let heldBits = 0;
  for (let i = from; i < from + MINIBLOCK; i += 1) {
    held |= adjusted[i]! << heldBits;
    heldBits += width;
    while (heldBits >= 8) {
      bytes[at] = held & 0xff;
      at += 1;
      held >>>= 8;
      heldBits -= 8;
    }
  }
  out.length = at;
  return width;
}

function writeZigzag(out: ByteWriter, value: number): void {
  out.varint(value < 0 ? -value * 2 - 1 : value * 2);
}
