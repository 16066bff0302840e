import { constants } from "node:fs";
import { access, glob, stat } from "node:fs/promises";

import { FORMATS } from "../formats/index.ts";

const USUAL_PATHS = FORMATS.flatMap(({ usualPaths = [] }) => usualPaths);

/** Non-empty logs of this machine that this user may read, sorted by path. */
export async function findLogs(places: readonly string[] = USUAL_PATHS): Promise<string[]> {
  const found = new Set<string>();
  for (const place of places) {
    for await (const path of glob(place)) {
      if (await hasContent(path)) found.add(path);
    }
  }
  return [...found].toSorted();
}

async function hasContent(path: string): Promise<boolean> {
  try {
    const stats = await stat(path);
    await access(path, constants.R_OK);
    return stats.isFile() && stats.size > 0;
  } catch {
    // Deleted in the meantime, or not readable by this user.
    return false;
  }
}
