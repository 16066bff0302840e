import { ORIGINAL_BYTES } from "#collectors/fields.ts";

import { asNumber, asText, identifier, type Row } from "./duck.ts";
import type { Statement } from "./filter-sql.ts";
import { TEXT_BYTES_MAX } from "./long-text.ts";
import type { OriginalLine, SearchRequest } from "./port.ts";
import { findSql, idParts } from "./search-sql.ts";

/** The bytes of the original line. Text is stored as it was, as valid UTF-8. */
export const ORIGINAL_SQL = `coalesce(${identifier(ORIGINAL_BYTES)}, encode(${identifier("event.original")}))`;

const SELECTED = `epoch_ms("@timestamp"), "log.source.id", "log.offset",
  CASE WHEN octet_length(${ORIGINAL_SQL}) <= ${TEXT_BYTES_MAX} THEN ${ORIGINAL_SQL} END,
  octet_length(${ORIGINAL_SQL})`;

/** The oldest matching events after the last one of the previous page, unordered. */
export function originalsSql(
  request: SearchRequest,
  { files, hasNumberLists }: { files: string; hasNumberLists: boolean },
): Statement {
  return findSql(request, files, { selected: SELECTED, isOldestFirst: true, hasNumberLists });
}

/** Sorts and merges partial answers to the same request, each from some of the files. */
export function joinOriginals(
  answers: readonly (readonly OriginalLine[])[],
  limit: number,
): OriginalLine[] {
  return answers.flat().toSorted(compareOriginals).slice(0, limit);
}

/** A row of `originalsSql`. */
export function originalOf([time, sourceId, offset, bytes, length]: Row): OriginalLine {
  const source = (asText(sourceId) ?? "").replace(/^src_/, "");
  const isMissing = length === null || length === undefined;
  const line = bytes instanceof Uint8Array ? bytes : isMissing ? null : undefined;
  return { id: `src_${source}:${asNumber(offset)}`, tMs: asNumber(time), line };
}

/** Oldest first; events of the same time by source and offset. */
function compareOriginals(a: OriginalLine, b: OriginalLine): number {
  if (a.tMs !== b.tMs) return a.tMs - b.tMs;
  const [first, second] = [idParts(a.id), idParts(b.id)];
  if (first.source !== second.source) return first.source < second.source ? -1 : 1;
  return first.offset - second.offset;
}
