import type { Format } from "#collectors/format.ts";
import { findFormat } from "#collectors/formats/index.ts";
import type { Chunk } from "#collectors/source.ts";
import { chosenFormat, formatAtPath } from "#collectors/user-formats/registry.ts";

import type { Stream } from "./stream.ts";

/** The format that a user chose for the source or the path of lines whose sender named none. */
export function formatChosenFor(
  { source, readsMessages }: Pick<Stream, "source" | "readsMessages">,
  chunk: Chunk,
): Format | undefined {
  if (readsMessages || chunk.header?.format !== undefined) return undefined;
  const name = chosenFormat(source);
  return (name === undefined ? undefined : findFormat(name)) ?? formatAtPath(chunk.path);
}
