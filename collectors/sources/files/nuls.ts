import type { ByteReader } from "./byte-reader.ts";

/** Zeros from one offset of a file up to another, as far as they were read. */
export type NulRun = { from: number; to: number };

/** What follows the zeros: other bytes, the end of the file, or more that was not read yet. */
export type AfterNuls = { is: "data"; at: number } | { is: "end"; at: number } | { is: "more" };

const ZEROS = Buffer.alloc(1024 * 1024);
const BLOCK_BYTES = 4096;
/** Most files have no zeros at all. */
const FIRST_BYTES = 64 * 1024;
/** Bytes read before other files are read: a truncated file may begin with a hole of many gigabytes. */
const TURN_BYTES = 128 * 1024 * 1024;

/**
 * Reads on at the end of the run and extends it. The system returns the zeros of a hole without access to the disk, so
 * it takes memory bandwidth only: less than a minute for 20 GB.
 */
export async function readNuls(
  reader: ByteReader,
  run: NulRun,
  bytesMax = TURN_BYTES,
): Promise<AfterNuls> {
  let scratch = Buffer.allocUnsafe(FIRST_BYTES);
  const endOfTurn = run.to + bytesMax;
  while (run.to < endOfTurn) {
    const bytes = scratch.subarray(0, await reader.read(scratch, run.to));
    const zeros = leadingZeros(bytes);
    run.to += zeros;
    if (zeros < bytes.length) return { is: "data", at: run.to };
    if (bytes.length < scratch.length) return { is: "end", at: run.to };
    if (scratch.length < ZEROS.length) scratch = Buffer.allocUnsafeSlow(ZEROS.length);
  }
  return { is: "more" };
}

/** Whether the run still begins with zeros: its writer may fill space that it had reserved. */
export async function beginsWithNuls(reader: ByteReader, { from, to }: NulRun): Promise<boolean> {
  const bytes = Buffer.alloc(Math.min(BLOCK_BYTES, to - from));
  const read = await reader.read(bytes, from);
  return leadingZeros(bytes.subarray(0, read)) === bytes.length;
}

/** The offset at which the zeros at the end of the bytes begin. */
export function trailingZerosFrom(bytes: Buffer): number {
  let end = bytes.length;
  while (end >= BLOCK_BYTES && isZero(bytes.subarray(end - BLOCK_BYTES, end))) end -= BLOCK_BYTES;
  while (end > 0 && bytes[end - 1] === 0) end -= 1;
  return end;
}

function leadingZeros(bytes: Buffer): number {
  if (isZero(bytes)) return bytes.length;
  let start = 0;
  while (isZero(bytes.subarray(start, start + BLOCK_BYTES))) start += BLOCK_BYTES;
  while (bytes[start] === 0) start += 1;
  return start;
}

const isZero = (bytes: Buffer): boolean => bytes.equals(ZEROS.subarray(0, bytes.length));
