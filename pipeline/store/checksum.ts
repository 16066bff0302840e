import { open } from "node:fs/promises";
import { crc32 } from "node:zlib";

import { z } from "zod";

const READ_BYTES_MAX = 1024 * 1024;

/**
 * Size and CRC-32 of a file. CRC-32 detects every error of up to 32 adjacent bits, and takes a fraction of the time of
 * reading the file.
 */
export const Checksum = z.object({
  bytes: z.number().int().min(0),
  crc32: z.number().int().min(0),
});
export type Checksum = z.infer<typeof Checksum>;

/** Those of the files of a segment. `rollup` is null if there is none. */
export type SegmentChecksums = { events: Checksum; rollup: Checksum | null };

export function checksumOf(parts: readonly Uint8Array[]): Checksum {
  let bytes = 0;
  let crc = 0;
  for (const part of parts) {
    bytes += part.length;
    crc = crc32(part, crc);
  }
  return { bytes, crc32: crc };
}

export async function checksumOfFile(path: string): Promise<Checksum> {
  await using file = await open(path, "r");
  const { size } = await file.stat();
  // Most files are small, and a buffer of the full size takes longer than reading them.
  const buffer = Buffer.allocUnsafe(Math.min(size + 1, READ_BYTES_MAX));
  let bytes = 0;
  let crc = 0;
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, bytes);
    if (bytesRead === 0) return { bytes, crc32: crc };
    bytes += bytesRead;
    crc = crc32(buffer.subarray(0, bytesRead), crc);
  }
}
