import type { Batch } from "#collectors/batch.ts";
import type { Chunk } from "#collectors/source.ts";

import type { Stream } from "./streams.ts";

/** The dataset of lines that no format can parse. */
export const QUARANTINE_DATASET = "quarterdeck.quarantine";

/** Writes a line that cannot be parsed into the open row, instead of what a format wrote there. */
export function quarantineRow(
  batch: Batch,
  { line, reason, atMs }: { line: Uint8Array; reason: string; atMs: number },
): void {
  batch.rollback();
  const row = batch.rows;
  batch.number("@timestamp").put(row, atMs);
  batch.text("data_stream.dataset").putText(row, QUARANTINE_DATASET);
  batch.text("event.kind").putText(row, "pipeline_error");
  batch.text("error.message").putText(row, reason);
  batch.text("event.original").put(row, line, 0, line.length);
}

/**
 * Parses the quarantined rows of the stream, from `fromRow` on, with its present format. Returns the number of those that
 * are parsed.
 */
export function reparseRows(
  batch: Batch,
  stream: Stream,
  { fromRow, retime }: { fromRow: number; retime: Chunk["retime"] },
): number {
  const datasets = batch.text("data_stream.dataset");
  const originals = batch.text("event.original");
  const sources = batch.text("log.source.id");
  const quarantine = datasets.internText(QUARANTINE_DATASET);
  const source = sources.internText(stream.id);
  const end = batch.rows;
  batch.reserve(1);
  let parsed = 0;
  for (let row = fromRow; row < end; row += 1) {
    const isOwn = row >= stream.firstRow || sources.ids[row] === source;
    if (!isOwn || datasets.ids[row] !== quarantine) continue;
    const line = Uint8Array.from(originals.bytes(originals.ids[row] ?? 0));
    // Tried in the open row, because a row that cannot be parsed stays as it is.
    const reason = stream.scan(line, 0, line.length);
    batch.rollback();
    if (reason === undefined) {
      batch.rows = row;
      reparseRow(batch, stream, { line, retime });
      parsed += 1;
      batch.rows = end;
    }
  }
  return parsed;
}

function reparseRow(
  batch: Batch,
  stream: Stream,
  { line, retime }: { line: Uint8Array; retime: Chunk["retime"] },
): void {
  const row = batch.rows;
  const offset = batch.number("log.offset").values[row] ?? Number.NaN;
  const kept = [batch.text("log.source.id"), batch.text("log.file.path")].map((column) => ({
    column,
    id: column.ids[row] ?? 0,
  }));
  batch.rollback();
  stream.scan(line, 0, line.length);
  batch.number("log.offset").put(row, offset);
  for (const { column, id } of kept) if (id !== 0) column.ids[row] = id;
  const time = batch.number("@timestamp");
  if (retime) time.put(row, retime(time.values[row] ?? 0));
  stream.eventMs = time.values[row];
  const datasets = batch.text("data_stream.dataset");
  if (datasets.ids[row] === 0) datasets.putText(row, stream.dataset);
}
