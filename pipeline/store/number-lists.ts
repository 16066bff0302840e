import type { Batch } from "#collectors/batch.ts";
import { EXTRA_FIELD } from "#collectors/fields.ts";
import { ignoredField } from "#collectors/formats/ignored-fields.ts";

import type { Extent } from "./port.ts";
import { extentsWithHoles, mergeExtents, type SegmentFooter } from "./segment-footer.ts";

const MARK = JSON.stringify(ignoredField("")).slice(0, -1);

/** Whether events of the batch may have several numbers in a field whose column has the first one. */
export function hasNumberLists(batch: Batch): boolean {
  const column = batch.textColumns().get(EXTRA_FIELD);
  if (!column || column.size === 0) return false;
  const { bytes, ends } = column.dictionary;
  return Buffer.from(bytes.buffer, bytes.byteOffset, ends[column.size]).includes(MARK);
}

export const haveNumberLists = (segments: readonly SegmentFooter[]): boolean =>
  segments.some((segment) => segment.hasNumberLists);

/** The extents of all events, with a mark for the datasets whose events may have several numbers in a field. */
export function extentsOf(segments: readonly SegmentFooter[]): Extent[] {
  const marked = new Set(
    segments.flatMap((it) => (it.hasNumberLists ? it.extents.map(({ dataset }) => dataset) : [])),
  );
  const extents = mergeExtents(segments.flatMap(extentsWithHoles));
  return extents.map((it) => (marked.has(it.dataset) ? { ...it, hasNumberLists: true } : it));
}
