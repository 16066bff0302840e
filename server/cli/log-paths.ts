import { existsSync } from "node:fs";
import path from "node:path";

import { GLOB_CHARACTERS } from "#collectors/sources/files/scan.ts";

import { readLastStart } from "../last-start.ts";

/** The named files; without any, those of the last start; undefined if there are none. */
export function namedPaths(root: string, files: readonly string[]): string[] | undefined {
  const paths =
    files.length > 0 ? files.map((file) => path.resolve(file)) : readLastStart(root).paths;
  return paths.length > 0 ? paths : undefined;
}

export function describePaths(paths: readonly string[]): string {
  const named = `Tailing ${paths.join(", ")}`;
  const missing = paths.filter((it) => !GLOB_CHARACTERS.test(it) && !existsSync(it));
  return missing.length === 0
    ? named
    : `${named}\nMissing, and read as soon as they exist: ${missing.join(", ")}`;
}
