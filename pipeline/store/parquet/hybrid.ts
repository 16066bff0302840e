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

function allEqual(values: Uint32Array, count: number): boolean {
  const first = values[0]!;
  for (let i = 1; i < count; i += 1) if (values[i] !== first) return false;
  return true;
}

function writePacked(out: ByteWriter, values: Uint32Array, count: number, width: number): void {
  const groups = Math.ceil(count / 8);
  out.varint(groups * 2 + 1);
  const bytes = out.room(groups * width);
  let at = out.length;
  const end = at + groups * width;
  let held = 0;
  let heldBits = 0;
  // At most 7 bits are held over, so that 24 more fit into a 31-bit integer.
  for (let i = 0; i < count; i += 1) {
    held |= values[i]! << heldBits;
    heldBits += width;
    while (heldBits >= 8) {
      bytes[at] = held & 0xff;
      at += 1;
      held >>>= 8;
      heldBits -= 8;
    }
  }
  if (heldBits > 0) {
    bytes[at] = held & 0xff;
    at += 1;
  }
  bytes.fill(0, at, end);
  out.length = end;
}
