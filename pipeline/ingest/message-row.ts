import type { Batch } from "#collectors/batch.ts";
import type { Line } from "#collectors/envelopes/envelope.ts";

/** Writes a line as the message of a program into the open row, instead of what a format wrote there. */
export function messageRow(batch: Batch, { bytes, start, end }: Line, dataset: string): void {
  batch.rollback();
  batch.text("message").put(batch.rows, bytes, start, end);
  batch.text("data_stream.dataset").putText(batch.rows, dataset);
}
