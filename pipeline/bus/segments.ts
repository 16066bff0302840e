import { mkdir, open, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

import type { SourceId } from "#collectors/source.ts";

import { ifThere } from "../store/files.ts";
import type { Positions } from "../store/port.ts";

/**
 * The folder of the embedded bus: each process that writes has a lane of its own, `<lane>/<index>.ndjson`. A lane is
 * one stream to its reader: the byte `at` of the segment `index` has the offset `index * STRIDE + at`, so offsets only
 * grow, however a segment ended. A lane that nobody writes to is taken over by the next process.
 */
export const STRIDE = 2 ** 27;
const SUFFIX = ".ndjson";
const LANE = /^src_[0-9a-f]{24}$/;

/** Where the bus of a data folder lies. */
export const busFolderOf = (dataFolder: string): string => join(dataFolder, "bus");

const isLane = (name: string): name is SourceId => LANE.test(name);

export const segmentPath = (folder: string, lane: SourceId, index: number): string =>
  join(folder, lane, `${String(index).padStart(9, "0")}${SUFFIX}`);

export async function lanesOf(folder: string): Promise<SourceId[]> {
  return ((await ifThere(readdir(folder))) ?? []).filter(isLane).toSorted();
}

/** The numbers of a lane's segments, oldest first. */
export async function segmentsOf(folder: string, lane: SourceId): Promise<number[]> {
  const names = (await ifThere(readdir(join(folder, lane)))) ?? [];
  return names
    .filter((name) => name.endsWith(SUFFIX))
    .map((name) => Number(name.slice(0, -SUFFIX.length)))
    .filter(Number.isSafeInteger)
    .toSorted((a, b) => a - b);
}

/** Makes a folder that is still there after a loss of power. */
export async function makeFolder(parent: string, name: string): Promise<void> {
  await mkdir(join(parent, name), { recursive: true, mode: 0o700 });
  await syncFolder(parent);
}

export async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, "r");
  await handle.sync();
}

/** Bytes that lie in the bus: those that wait to be stored, and what is left of segments that are not at their end. */
export async function bytesIn(folder: string): Promise<number> {
  let bytes = 0;
  for (const lane of await lanesOf(folder)) {
    for (const index of await segmentsOf(folder, lane)) {
      bytes += (await ifThere(stat(segmentPath(folder, lane, index))))?.size ?? 0;
    }
  }
  return bytes;
}

/** Deletes the segments of which a store has every line: those before the one that it reads. */
export async function removeCovered(folder: string, positions: Positions): Promise<void> {
  for (const lane of await lanesOf(folder)) {
    const reading = Math.floor((positions.get(lane)?.offset ?? 0) / STRIDE);
    for (const index of await segmentsOf(folder, lane)) {
      if (index < reading) await rm(segmentPath(folder, lane, index), { force: true });
    }
  }
}
