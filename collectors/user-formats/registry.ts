import { matchesGlob } from "node:path";

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

/** Changes whenever formats were replaced. */
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
