import { readFile } from "node:fs/promises";

import { z } from "zod";

import { withChecksum, withoutChecksum } from "#platform/text-checksum.ts";

import { Checksum, checksumOfFile, type SegmentChecksums } from "./checksum.ts";
import { writeSafe } from "./files.ts";
import { assertNotNewer, SegmentFooter } from "./segment-footer.ts";

const MANIFEST_VERSION = 1;

/**
 * The file beside a segment that verifies it: the checksums of its files, and a copy of its footer, so that a segment
 * whose event file is damaged still has its positions and times.
 */
const Manifest = z.object({
  version: z.literal(MANIFEST_VERSION),
  footer: SegmentFooter,
  events: Checksum,
  rollup: Checksum.nullable(),
});
export type Manifest = { footer: SegmentFooter; checksums: SegmentChecksums };

export async function writeManifest(path: string, { footer, checksums }: Manifest): Promise<void> {
  const { events, rollup } = checksums;
  const value = { version: MANIFEST_VERSION, footer, events, rollup };
  await writeSafe(path, [Buffer.from(withChecksum(JSON.stringify(value)))]);
}

/** @throws RangeError with the reason, for a damaged manifest; AppError for one of a newer version */
export async function readManifest(path: string): Promise<Manifest> {
  const value: unknown = JSON.parse(withoutChecksum(await readFile(path)));
  assertNotNewer(value, { path, version: MANIFEST_VERSION });
  const parsed = Manifest.safeParse(value);
  if (!parsed.success) throw new RangeError(parsed.error.message);
  const { footer, events, rollup } = parsed.data;
  return { footer, checksums: { events, rollup } };
}

export type SegmentPaths = { events: string; rollup: string | undefined };

export async function checksumsOf(paths: SegmentPaths): Promise<SegmentChecksums> {
  return {
    events: await checksumOfFile(paths.events),
    rollup: paths.rollup === undefined ? null : await checksumOfFile(paths.rollup),
  };
}
