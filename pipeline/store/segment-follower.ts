import type { EventDocument, Follower, Skipped } from "./port.ts";
import type { Questions } from "./questions.ts";
import { documentOf } from "./search-sql.ts";
import type { SegmentFolder } from "./segment-folder.ts";
import type { Segment } from "./segment-footer.ts";
import type { SegmentReader } from "./segment-reader.ts";

/**
 * Follows new segments. A merged segment has no new rows: its inputs are either already known, or kept for a
 * while and read from their own files.
 */
export async function followSegments(parts: {
  segments: SegmentFolder;
  reader: SegmentReader;
  questions: Questions;
}): Promise<Follower> {
  const appended = async (): Promise<Segment[]> => {
    const { segments, replaced } = await parts.segments.list();
    return [...segments, ...replaced].filter(({ replaces }) => replaces.length === 0);
  };
  let known = new Set((await appended()).map(({ id }) => id));
  return {
    async next(limit) {
      const appendedNow = await appended();
      const fresh = appendedNow.filter(({ id, rows }) => !known.has(id) && rows > 0);
      if (fresh.length === 0) {
        known = new Set(appendedNow.map(({ id }) => id));
        return { events: [], skipped: new Map() };
      }
      const rows = await parts.questions.run({}, (question) =>
        parts.reader.newestOf(fresh, limit, question),
      );
      // Only after the read succeeded, so that the next call reads them after an error.
      known = new Set(appendedNow.map(({ id }) => id));
      const events = rows.map(documentOf);
      return { events, skipped: skippedOf(fresh, events) };
    },
  };
}

/** Number of skipped events by dataset. */
function skippedOf(fresh: readonly Segment[], shown: readonly EventDocument[]): Skipped {
  const left = new Map<string, number>();
  const add = (dataset: string, rows: number): void => {
    left.set(dataset, (left.get(dataset) ?? 0) + rows);
  };
  for (const { dataset, rows } of fresh.flatMap(({ extents }) => extents)) add(dataset, rows);
  for (const { fields } of shown) {
    const dataset = fields["data_stream.dataset"];
    if (typeof dataset === "string") add(dataset, -1);
  }
  return new Map([...left].filter(([, rows]) => rows > 0));
}
