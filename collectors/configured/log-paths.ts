import { filesKind } from "./files-kind.ts";
import type { SourcesFile } from "./sources-file.ts";

/**
 * The paths and patterns of all log files to follow, each with the source that it belongs to: of those in the file its
 * id, of those that were named at start the path itself. A path in both belongs to the file.
 */
export function logPaths(
  named: readonly string[],
  { sources, exclude }: SourcesFile,
): Map<string, string> {
  const excluded = new Set(exclude);
  const paths = new Map(named.filter((path) => !excluded.has(path)).map((path) => [path, path]));
  for (const { id, kind, properties } of sources) {
    if (kind.kind !== filesKind.kind) continue;
    for (const path of filesKind.schema.parse(properties).paths) paths.set(path, id);
  }
  return paths;
}
