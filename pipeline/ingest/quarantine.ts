import type { Batch } from "#collectors/batch.ts";
import { EXTRA_FIELD } from "#collectors/fields.ts";
import type { LineScanner } from "#collectors/format.ts";
import { endWithoutCr } from "#collectors/line-column.ts";

/** The dataset of lines that no format can parse. */
export const QUARANTINE_DATASET = "quarterdeck.quarantine";

/** Writes the fields of a line that cannot be parsed into the open row, instead of what a format wrote there. */
export function quarantineRow(
  batch: Batch,
  { reason, atMs }: { reason: string; atMs: number },
): void {
  batch.rollback();
  const row = batch.rows;
  batch.number("@timestamp").put(row, atMs);
  batch.text("data_stream.dataset").putText(row, QUARANTINE_DATASET);
  batch.text("event.kind").putText(row, "pipeline_error");
  batch.text("error.message").putText(row, reason);
}

/** Fields that an event has because it is in quarantine. Its time remains if the line has none. */
const OWN_FIELDS: ReadonlySet<string> = new Set([
  "data_stream.dataset",
  "event.kind",
  "error.message",
  "event.original",
]);

export type LineParser = { scan: LineScanner; dataset: string };

/**
 * Parses a quarantined row again, in its place. Its source, offset and the fields of its sender are kept. False, and
 * nothing is changed, if it cannot be parsed.
 */
export function reparseRow(batch: Batch, row: number, { scan, dataset }: LineParser): boolean {
  const line = batch.lines.bytes(row);
  const length = endWithoutCr(line);
  const end = batch.rows;
  batch.reserve(1);
  // Tried in the open row first, because the row stays as it is if it cannot be parsed.
  const reason = scan(line, 0, length);
  batch.rollback();
  if (reason !== undefined) return false;
  const restore = keptFields(batch, row);
  batch.rows = row;
  batch.rollback();
  scan(line, 0, length);
  restore();
  batch.rows = end;
  const datasets = batch.text("data_stream.dataset");
  if (datasets.ids[row] === 0) datasets.putText(row, dataset);
  return true;
}

/** Remembers the fields of the row that do not depend on the line; returns a function that writes those it lacks. */
function keptFields(batch: Batch, row: number): () => void {
  const texts = [...batch.textColumns()].flatMap(([name, column]) => {
    const id = column.ids[row] ?? 0;
    return id === 0 || OWN_FIELDS.has(name) ? [] : [{ name, column, id }];
  });
  const numbers = [...batch.numberColumns()].flatMap(([name, { values }]) => {
    const value = values[row] ?? Number.NaN;
    return Number.isNaN(value) || OWN_FIELDS.has(name) ? [] : [{ values, value }];
  });
  return () => {
    for (const { name, column, id } of texts) {
      const own = column.ids[row] ?? 0;
      if (own === 0) column.ids[row] = id;
      else if (name === EXTRA_FIELD)
        column.putText(row, mergedJson(column.text(id), column.text(own)));
    }
    for (const { values, value } of numbers) if (Number.isNaN(values[row])) values[row] = value;
  };
}

const mergedJson = (first: string, last: string): string => {
  const merged: unknown = { ...JSON.parse(first), ...JSON.parse(last) };
  return JSON.stringify(merged);
};
