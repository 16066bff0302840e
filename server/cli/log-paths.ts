import { existsSync } from "node:fs";
import path from "node:path";

import { GLOB_CHARACTERS } from "#collectors/sources/files/scan.ts";
import { printable } from "#platform/terminal.ts";

import { readSettings, saveSettings } from "../start-settings.ts";

/** The files that were named now, which is remembered, else at the last start; undefined: none ever were. */
export function namedPaths(root: string, files: readonly string[]): string[] | undefined {
  const settings = readSettings(root);
  if (files.length === 0) return settings.paths.length > 0 ? settings.paths : undefined;
  const paths = files.map((file) => path.resolve(file));
  saveSettings(root, { ...settings, paths });
  return paths;
}

export function describePaths(paths: readonly string[]): string {
  const named = `Tailing ${paths.map(printable).join(", ")}`;
  const missing = paths.filter((it) => !GLOB_CHARACTERS.test(it) && !existsSync(it));
  return missing.length === 0
    ? named
    : `${named}\nNot there yet, and read once they are: ${missing.map(printable).join(", ")}`;
}
