import { Batch } from "#collectors/batch.ts";
import type { SourceId } from "#collectors/source.ts";

import { FrameAccumulator } from "../fold/accumulator.ts";
import { openMemoryStore } from "../store/memory-store.ts";
import type { EventStore } from "../store/port.ts";

const SOURCE: SourceId = "src_test";

/** A store with a request at each of these times, by dataset; all of them with the action, if there is one. */
export async function storeWithTimes(
  times: Readonly<Record<string, readonly number[]>>,
  action = "",
): Promise<EventStore> {
  const store = openMemoryStore()();
  const all = Object.entries(times).flatMap(([dataset, of]) => of.map((tMs) => ({ dataset, tMs })));
  const batch = new Batch(Math.max(all.length, 1));
  for (const [row, { dataset, tMs }] of all.entries()) {
    batch.number("@timestamp").put(row, tMs);
    batch.text("data_stream.dataset").putText(row, dataset);
    batch.text("log.source.id").putText(row, SOURCE);
    batch.number("log.offset").put(row, row);
    batch.number("http.response.status_code").put(row, 200);
    if (action !== "") batch.text("event.action").putText(row, action);
    batch.commit();
  }
  const frames = new FrameAccumulator(batch);
  frames.fold(0, batch.rows, false);
  await store.append(batch, frames.takeCells(), new Map([[SOURCE, { offset: batch.rows }]]));
  return store;
}

/** Evenly spaced times in a range, including its ends. */
export const timesIn = (fromMs: number, toMs: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => Math.round(fromMs + ((toMs - fromMs) * i) / (count - 1)));
