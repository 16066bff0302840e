import type { Batch } from "#collectors/batch.ts";
import { toDocument } from "#collectors/document.ts";

import { matches } from "../matches.ts";
import type { EventDocument } from "../store/port.ts";
import type { TailRequest } from "./messages.ts";

/** Maximum number of events shown to a person, and of rows examined, per fold of rows. */
const EVENTS_MAX = 10;
const ROWS_EXAMINED_MAX = 500;
/** Maximum length of these events as JSON: a line may have many megabytes. */
const CHARACTERS_MAX = 256 * 1024;
/** Older rows, read from a history, are not sent to live tails. */
const NEW_MS = 10 * 60_000;

export type TailResult = { id: string; events: EventDocument[]; skipped: number };
type Rows = { from: number; to: number; nowMs: number };

/** The newest matching rows for each viewer; the others are counted as skipped. */
export function tailRows(batch: Batch, rows: Rows, tails: readonly TailRequest[]): TailResult[] {
  const fresh = newRows(batch, rows);
  const examined = fresh.slice(-ROWS_EXAMINED_MAX);
  const documents = examined.map((row): EventDocument => {
    const fields = toDocument(batch, row);
    const sourceId = String(fields["log.source.id"]).slice("src_".length);
    return { id: `src_${sourceId}:${Number(fields["log.offset"])}`, fields };
  });
  return tails.map(({ id, filter }) => {
    const found = documents.filter((document) => matches(document.fields, filter));
    const events = newestThatFit(found);
    const unexamined = fresh.length - examined.length;
    return { id, events, skipped: found.length - events.length + unexamined };
  });
}

function newestThatFit(found: readonly EventDocument[]): EventDocument[] {
  let characters = 0;
  return found
    .slice(-EVENTS_MAX)
    .toReversed()
    .filter((event) => {
      const length = JSON.stringify(event).length;
      if (characters + length > CHARACTERS_MAX) return false;
      characters += length;
      return true;
    })
    .toReversed();
}

function newRows(batch: Batch, { from, to, nowMs }: Rows): number[] {
  const times = batch.number("@timestamp").values;
  const rows: number[] = [];
  for (let row = from; row < to; row += 1) {
    if ((times[row] ?? 0) > nowMs - NEW_MS) rows.push(row);
  }
  return rows;
}
