import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

import type { Clock } from "#platform/clock.ts";
import { ifExists } from "#platform/files.ts";
import { livingTokens } from "#platform/lease/lease.ts";

import { removeAll } from "./files.ts";
import type { ObservedAges } from "./observed-ages.ts";
import type { SegmentFolder } from "./segment-folder.ts";
import { isMaker, madeBy, madeMs, makerOf, type SegmentId } from "./segment-id.ts";
import { segmentIdsIn, SUFFIX } from "./segment-list.ts";
import { leasesIn } from "./store-writer.ts";

/** A file without a token in its name is left over if it was not changed for this long. */
const ABANDONED_MS = 60 * 60_000;
const TOKEN = /^[0-9a-f]{24}(?=-)/;

/**
 * Removes the files of killed writers. Must be called by the holder of the compaction lease. The order matters: a
 * writer whose file was listed, and that is not alive afterwards, cannot complete the file any more.
 */
export async function removeLeftovers(
  segments: SegmentFolder,
  { clock, ages }: { clock: Clock; ages: ObservedAges },
): Promise<void> {
  const idsIn = (name: string): Promise<SegmentId[]> => idsOfFiles(join(segments.folder, name));
  const companions = new Set([
    ...(await idsIn("rollups")),
    ...(await idsIn("manifests")),
    ...(await idsIn("filters")),
  ]);
  const scratch = await readdir(segments.scratch);
  const alive = await livingTokens(leasesIn(segments.folder));
  ages.update([...scratch, ...companions]);
  const isOld = (name: string, atMs: number): boolean =>
    clock.nowMs() - atMs > ABANDONED_MS || ages.observedMs(name) > ABANDONED_MS;
  for (const name of scratch) {
    const path = join(segments.scratch, name);
    const token = TOKEN.exec(name)?.[0];
    const info = await ifExists(stat(path));
    const isLeft = token === undefined ? info && isOld(name, info.mtimeMs) : !alive.has(token);
    if (isLeft) await rm(path, { recursive: true, force: true });
  }
  const events = new Set(await idsIn("events"));
  const makers = new Set([...alive].map(makerOf));
  for (const id of [...companions].filter((it) => !events.has(it))) {
    const maker = madeBy(id);
    const isLeft = isMaker(maker) ? !makers.has(maker) : isOld(id, madeMs(id));
    if (isLeft) await removeAll(segments.companionPaths(id));
  }
}

/** The ids of the segments' files in a folder, also of files that do not count. */
async function idsOfFiles(folder: string): Promise<SegmentId[]> {
  const names = (await ifExists(readdir(folder))) ?? [];
  return segmentIdsIn(names.map((it) => it.replace(/\.[a-z]+$/, SUFFIX)));
}
