import { AppError } from "#platform/errors.ts";
import { lacksFiles } from "#platform/open-files.ts";

import { type Duck, quoted } from "./duck.ts";
import type { SegmentFolder } from "./segment-folder.ts";
import type { Segment } from "./segment-footer.ts";
import { type FileKind, UnusableFiles } from "./segment-health.ts";

/** Errors of DuckDB about the content of a Parquet file; not all of them have its path. */
const ABOUT_FILES =
  /^(?:Invalid|IO|Serialization|INTERNAL|Not implemented) |parquet|zstd|thrift|TProtocol/i;

/** Not about the content: it may be different in a moment. */
const ABOUT_OPENING = /^IO Error: Cannot open file|Too many open files/;

type Parts = { folder: SegmentFolder; duck: Duck };
type Failed = { segments: readonly Segment[]; kind: FileKind; error: unknown };

/** Finds the files because of which a query failed, and marks them as unusable. False if there are none. */
export async function noteUnreadable(
  { folder, duck }: Parts,
  { segments, kind, error }: Failed,
): Promise<boolean> {
  if (!(error instanceof Error) || error instanceof AppError) return false;
  const named = segments.filter(({ id }) => error.message.includes(id));
  // Files can be opened again in a moment, and to read those that it names would take long.
  if (lacksFiles(error)) return false;
  // Damaged content can cause any error, so the checksums are verified after each.
  const suspects = named.length > 0 ? named : segments;
  try {
    await folder.health.verify(suspects, kind, true);
  } catch (unusable) {
    if (unusable instanceof UnusableFiles) return true;
    throw unusable;
  }
  if (named.length === 0 && !ABOUT_FILES.test(error.message)) return false;
  let isFound = false;
  for (const segment of suspects) {
    if (await noteIfUnreadable({ folder, duck }, segment, kind)) isFound = true;
  }
  return isFound;
}

async function noteIfUnreadable(
  { folder, duck }: Parts,
  segment: Segment,
  kind: FileKind,
): Promise<boolean> {
  const path = kind === "events" ? folder.eventsPath(segment.id) : folder.rollupPath(segment.id);
  const problem = await readingProblem(duck, path);
  if (problem === undefined) return false;
  if (ABOUT_OPENING.test(problem)) folder.health.noteUnopened(segment, kind, problem);
  else folder.health.noteUnreadable(segment, kind, problem);
  return true;
}

/** The error of reading all values of the file. */
async function readingProblem(duck: Duck, path: string): Promise<string | undefined> {
  try {
    await duck.rows(`SELECT count(COLUMNS(*)) FROM read_parquet(${quoted(path)})`);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
