import { Batch } from "#collectors/batch.ts";
import { addDocument } from "#collectors/document.ts";
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
  const more = action === "" ? {} : { "event.action": action };
  const events = Object.entries(times).flatMap(([dataset, of]) =>
    of.map((tMs) => ({ tMs, "data_stream.dataset": dataset, ...more })),
  );
  return storeWithEvents(events);
}

/** A store with these requests; their status is 200 unless they have another one. */
export async function storeWithEvents(
  events: readonly (Readonly<Record<string, unknown>> & { tMs: number })[],
): Promise<EventStore> {
  const store = openMemoryStore()();
  const batch = new Batch(Math.max(events.length, 1));
  for (const [row, { tMs, ...fields }] of events.entries()) {
    addDocument(batch, {
      "http.response.status_code": 200,
      ...fields,
      "@timestamp": tMs,
      "log.source.id": SOURCE,
      "log.offset": row,
    });
  }
  const frames = new FrameAccumulator(batch);
  frames.fold(0, batch.rows, false);
  await store.append(batch, frames.takeCells(), new Map([[SOURCE, { offset: batch.rows }]]));
  return store;
}

/** Evenly spaced times in a range, including its ends. */
export const timesIn = (fromMs: number, toMs: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => Math.round(fromMs + ((toMs - fromMs) * i) / (count - 1)));
