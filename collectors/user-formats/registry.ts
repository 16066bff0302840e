import { matchesGlob } from "node:path";
import { isDeepStrictEqual } from "node:util";

import type { Format } from "../format.ts";

/** A user's format, and the files whose lines it reads. */
export type RegisteredFormat = { format: Format; paths: readonly string[] };

let registered: ReadonlyMap<string, RegisteredFormat> = new Map();
let version = 0;

/** Replaces the formats of users in this process. */
export function registerFormats(formats: readonly RegisteredFormat[]): void {
  registered = new Map(formats.map((it) => [it.format.dataset, it]));
  version += 1;
}

let chosen: ReadonlyMap<string, string> = new Map();

/** Sets the formats that were chosen for configured sources, by source, in this process. */
export function chooseFormats(bySource: ReadonlyMap<string, string>): void {
  if (isDeepStrictEqual(bySource, chosen)) return;
  chosen = new Map(bySource);
  version += 1;
}

/** The name of the format that was chosen for a configured source. */
export const chosenFormat = (source: string): string | undefined => chosen.get(source);

/** Changes whenever formats were replaced or chosen. */
export const formatsVersion = (): number => version;

export const registeredFormat = (dataset: string): Format | undefined =>
  registered.get(dataset)?.format;

/** The first format that reads the file at this path. */
export function formatAtPath(path: string): Format | undefined {
  if (path === "") return undefined;
  for (const { format, paths } of registered.values()) {
    if (paths.some((pattern) => path === pattern || matchesGlob(path, pattern))) return format;
  }
  return undefined;
}
