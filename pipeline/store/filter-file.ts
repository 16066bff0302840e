import { crc32 } from "node:zlib";

import { GramFilter } from "../sketches/gram-filter.ts";
import type { SegmentId } from "./segment-id.ts";

/** Format and version. Files of another one are written again. */
const MAGIC = Buffer.from("QDGRAM01");
const CRC_BYTES = 4;
const HEADER_BYTES = MAGIC.length + CRC_BYTES;

/** The parts of the file of a filter: magic, CRC-32 of the segment's id and the filter, filter. */
export function filterFileParts(id: SegmentId, { bytes }: GramFilter): Uint8Array[] {
  const crc = Buffer.alloc(CRC_BYTES);
  crc.writeUInt32LE(checksumOf(id, bytes));
  return [MAGIC, crc, bytes];
}

/** Undefined if the file is damaged, or is not that of this segment. */
export function filterFrom(file: Buffer, id: SegmentId): GramFilter | undefined {
  if (file.length < HEADER_BYTES || !file.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  const bytes = file.subarray(HEADER_BYTES);
  if (file.readUInt32LE(MAGIC.length) !== checksumOf(id, bytes)) return undefined;
  return GramFilter.from(bytes);
}

const checksumOf = (id: SegmentId, bytes: Uint8Array): number => crc32(bytes, crc32(id));
