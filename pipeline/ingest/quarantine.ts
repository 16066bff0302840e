import type { Batch } from "#collectors/batch.ts";

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
