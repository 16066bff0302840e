import type { Batch } from "#collectors/batch.ts";
import { toDocument } from "#collectors/document.ts";
import { matches } from "#pipeline/matches.ts";
import type { EventDocument } from "#pipeline/store/port.ts";

import type { TailRequest } from "./protocol.ts";

/** What a person can read, and what may be looked at for it, in one fold of rows. */
const EVENTS_MAX = 10;
const ROWS_EXAMINED_MAX = 500;

export type TailResult = { id: string; events: EventDocument[]; skipped: number };

/** The newest of the rows that each viewer asked for; the others are counted as skipped. */
export function tailRows(
  batch: Batch,
  range: { from: number; to: number },
  tails: readonly TailRequest[],
): TailResult[] {
  const first = Math.max(range.from, range.to - ROWS_EXAMINED_MAX);
  const documents: EventDocument[] = [];
  for (let row = first; row < range.to; row += 1) {
    const fields = toDocument(batch, row);
    const sourceId = String(fields["log.source.id"]).slice("src_".length);
    documents.push({ id: `src_${sourceId}:${Number(fields["log.offset"])}`, fields });
  }
  return tails.map(({ id, filter }) => {
    const found = documents.filter((document) => matches(document.fields, filter));
    const skipped = Math.max(0, found.length - EVENTS_MAX) + (first - range.from);
    return { id, events: found.slice(-EVENTS_MAX), skipped };
  });
}
