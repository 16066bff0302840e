import { existsSync } from "node:fs";
import path from "node:path";

import { mistakeText, readSources, sourcesFileIn } from "#collectors/configured/sources-file.ts";
import { GLOB_CHARACTERS } from "#collectors/sources/files/scan.ts";
import type { Terminal } from "#platform/terminal.ts";

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

/** Prints how many sources the sources file names, or its mistakes; nothing without sources. */
export async function describeSources(
  root: string,
  terminal: Pick<Terminal, "line">,
): Promise<void> {
  const read = await readSources(root);
  const file = sourcesFileIn(root);
  if (!read.ok) {
    terminal.line(`${file} has mistakes: ${read.mistakes.map(mistakeText).join("; ")}`);
    return;
  }
  const { length } = read.file.sources;
  if (length > 0) terminal.line(`Reading ${length} source${length === 1 ? "" : "s"} of ${file}`);
}
