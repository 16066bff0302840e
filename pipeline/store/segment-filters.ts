import { readFile } from "node:fs/promises";

import { errorCode } from "#platform/errors.ts";
import { ifExists } from "#platform/files.ts";

import type { StoreFilter } from "../filter.ts";
import type { GramFilter } from "../sketches/gram-filter.ts";
import { filterFrom } from "./filter-file.ts";
import { mayMatch, seeksText } from "./may-match.ts";
import type { SegmentFolder } from "./segment-folder.ts";
import type { Segment } from "./segment-footer.ts";
import type { SegmentId } from "./segment-id.ts";

/** Smaller segments have no filter: reading them takes some milliseconds each, and they are merged soon. */
export const FILTER_ROWS_MIN = 65_536;

/** Which segments a search can skip, by the filters of their texts. */
export class SegmentFilters {
  readonly #segments: SegmentFolder;

  constructor(segments: SegmentFolder) {
    this.#segments = segments;
  }

  /** For one search: whether a segment may have matching events. */
  matcher(where: StoreFilter): (segment: Segment) => Promise<boolean> {
    if (!seeksText(where)) return () => Promise.resolve(true);
    return async ({ id, rows }) => {
      if (rows < FILTER_ROWS_MIN) return true;
      const filter = await this.#read(id);
      return !filter || mayMatch(where, (text) => filter.mayContain(text));
    };
  }

  /** Undefined also if it cannot be opened now: then the events are read. */
  async #read(id: SegmentId): Promise<GramFilter | undefined> {
    return readFilter(this.#segments, id).catch((error: unknown) => {
      if (errorCode(error) === undefined) throw error;
      return undefined;
    });
  }
}

/** The filter of a segment; undefined if there is none, or if it is damaged, which is reported. */
export async function readFilter(
  segments: SegmentFolder,
  id: SegmentId,
): Promise<GramFilter | undefined> {
  const path = segments.filterPath(id);
  const file = await ifExists(readFile(path));
  const filter = file && filterFrom(file, id);
  if (file && !filter) {
    segments.noteRepaired(path, `${path} was damaged: it is built again from the events`);
  }
  return filter;
}
