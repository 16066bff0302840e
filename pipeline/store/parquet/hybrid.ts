import type { ByteWriter } from "./byte-writer.ts";

/** Number of bits for the numbers 0 … max. */
export function bitWidth(max: number): number {
  return 32 - Math.clz32(max);
}

/**
 * Writes numbers in Parquet's "RLE / bit-packing hybrid": one run if all are equal, otherwise one bit-packed run
 * (with its last group padded with zeros). At most 24 bits wide.
 */
export function writeHybrid(
  out: ByteWriter,
  values: Uint32Array,
  count: number,
  width: number,
): void {
  if (count === 0) return;
  if (allEqual(values, count)) writeRun(out, values[0]!, count, width);
  else writePacked(out, values, count, width);
}

export function writeRun(out: ByteWriter, value: number, count: number, width: number): void {
  out.varint(count * 2);
  for (let bits = 0; bits < width; bits += 8) out.u8((value >>> bits) & 0xff);
}

export function allEqual(values: Uint32Array, count: number): boolean {
  const first = values[0]!;
  for (let i = 1; i < count; i += 1) if (values[i] !== first) return false;
  return true;
}

function writePacked(out: ByteWriter, values: Uint32Array, count: number, width: number): void {
  const groups = Math.ceil(count / 8);
  out.varint(groups * 2 + 1);
  const { length } = out;
  writeBits(out, values, 0, count, width);
  const end = length + groups * width;
  // The last word may be longer than the last group.
  out.room(0).fill(0, Math.min(out.length, end), end);
  out.length = end;
}

/** Writes numbers of `width` bits one after the other, in whole words of 32 bits. */
export function writeBits(
  out: ByteWriter,
  values: Uint32Array,
  from: number,
  to: number,
  width: number,
): void {
  const view = out.roomView(Math.ceil(((to - from) * width) / 32) * 4 + width);
  let at = out.length;
  let word = 0;
  let bits = 0;
  for (let i = from; i < to; i += 1) {
    const value = values[i]!;
    word |= value << bits;
    bits += width;
    if (bits < 32) continue;
    view.setInt32(at, word, true);
    at += 4;
    bits -= 32;
    // Shifting by 32 would change nothing.
    word = bits === 0 ? 0 : value >>> (width - bits);
  }
  if (bits > 0) {
    view.setInt32(at, word, true);
    at += 4;
  }
  out.length = at;
}

/** Definition levels of rows that are null where `present` is 0, with their length before them. */
export function writePresence(out: ByteWriter, present: Uint32Array, nulls: number): void {
  const lengthAt = out.length;
  const rows = present.length;
  out.u32(0);
  if (rows > 0 && (nulls === 0 || nulls === rows)) writeRun(out, nulls === 0 ? 1 : 0, rows, 1);
  else if (rows > 0) writePresenceBits(out, present);
  out.room(0).writeUInt32LE(out.length - lengthAt - 4, lengthAt);
}

function writePresenceBits(out: ByteWriter, present: Uint32Array): void {
  const groups = Math.ceil(present.length / 8);
  out.varint(groups * 2 + 1);
  const bytes = out.room(groups);
  let at = out.length;
  let byte = 0;
  for (let row = 0; row < present.length; row += 1) {
    if (present[row] !== 0) byte |= 1 << (row & 7);
    if ((row & 7) !== 7) continue;
    bytes[at] = byte;
    at += 1;
    byte = 0;
  }
  if ((present.length & 7) !== 0) bytes[at] = byte;
  out.length += groups;
}
