import type { Batch } from "#collectors/batch.ts";
import { ecs } from "#collectors/formats/ecs.ts";

import type { Stream } from "./stream.ts";

/** Counts the latest rows of a stream, without those of other formats, by dataset: that of its format, or of each document. */
export function countRows(stream: Stream, batch: Batch, rows: number): void {
  const { formats, lines, rowsOfOthers } = stream;
  stream.rowsOfOthers = 0;
  const { main } = formats;
  if (!main) return;
  if (main !== ecs || rowsOfOthers > 0) {
    lines.add(main.dataset, rows - rowsOfOthers);
    return;
  }
  const datasets = batch.text("data_stream.dataset");
  const counts = new Map<number, number>();
  for (let row = batch.rows - rows; row < batch.rows; row += 1) {
    const id = datasets.ids[row] ?? 0;
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  for (const [id, events] of counts) lines.add(id === 0 ? main.dataset : datasets.text(id), events);
}
