import { mkdir, open, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

import type { Position, Positions, SourceId } from "#collectors/source.ts";
import { ifExists } from "#platform/files.ts";

/**
 * The folder of the embedded bus: each writing process has its own partition, `<partition>/<index>.ndjson`. A
 * partition is one stream for its reader: the byte `at` of segment `index` has the offset `index * STRIDE + at`, so
 * that offsets only grow, however a segment ended. The next process takes over a partition whose writer has ended.
 */
export const STRIDE = 2 ** 27;
const SUFFIX = ".ndjson";
const PARTITION = /^src_[0-9a-f]{24}$/;

const isPartition = (name: string): name is SourceId => PARTITION.test(name);

export const positionAt = (offset: number): Position => ({ offset });

/** The offset of a stored position; 0 if there is none. */
export const offsetOf = (position: Position | undefined): number =>
  Number(position?.["offset"] ?? 0);

export const segmentPath = (folder: string, partition: SourceId, index: number): string =>
  join(folder, partition, `${String(index).padStart(9, "0")}${SUFFIX}`);

export async function partitionsOf(folder: string): Promise<SourceId[]> {
  return ((await ifExists(readdir(folder))) ?? []).filter(isPartition).toSorted();
}

/** The numbers of a partition's segments, oldest first. */
export async function segmentsOf(folder: string, partition: SourceId): Promise<number[]> {
  const names = (await ifExists(readdir(join(folder, partition)))) ?? [];
  return names
    .filter((name) => name.endsWith(SUFFIX))
    .map((name) => Number(name.slice(0, -SUFFIX.length)))
    .filter(Number.isSafeInteger)
    .toSorted((a, b) => a - b);
}

/** Creates a folder durably. */
export async function makeFolder(parent: string, name: string): Promise<void> {
  await mkdir(join(parent, name), { recursive: true, mode: 0o700 });
  await syncFolder(parent);
}

export async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, "r");
  await handle.sync();
}

/** Bytes in the folder: not yet stored ones, and stored ones of segments that are still read or written. */
export async function bytesIn(folder: string): Promise<number> {
  let bytes = 0;
  for (const partition of await partitionsOf(folder)) {
    for (const index of await segmentsOf(folder, partition)) {
      bytes += (await ifExists(stat(segmentPath(folder, partition, index))))?.size ?? 0;
    }
  }
  return bytes;
}

/** Deletes the segments whose lines are all stored: those before the segment of the stored position. */
export async function removeStored(folder: string, positions: Positions): Promise<void> {
  for (const partition of await partitionsOf(folder)) {
    const reading = Math.floor(offsetOf(positions.get(partition)) / STRIDE);
    for (const index of await segmentsOf(folder, partition)) {
      if (index < reading) await rm(segmentPath(folder, partition, index), { force: true });
    }
  }
}
