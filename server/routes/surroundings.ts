import type { StoreFilter } from "#pipeline/filter.ts";
import type { EventDocument, EventId, EventReader } from "#pipeline/store/port.ts";

const EVENTS_EACH_SIDE = 10;
const SECOND_MS = 1_000;
const REACH_MS = 3_600_000;
/** Of the same second, if there are very many. */
const READ_MAX = 2_000;

type Reader = Pick<EventReader, "search" | "event" | "aggregate">;
type Surroundings = {
  /** Newest first, as in the list. */
  after: EventDocument[];
  before: EventDocument[];
};

/** The events before and after an event in the same source, up to an hour away; undefined if there is no such event. */
export async function surroundingsOf(
  store: Reader,
  id: EventId,
): Promise<Surroundings | undefined> {
  const event = await store.event(id);
  if (!event) return undefined;
  const tMs = Date.parse(String(event.fields["@timestamp"]));
  const source = String(event.fields["log.source.id"]);
  const where: StoreFilter = [{ field: "log.source.id", op: "eq", value: source }];
  const [after, before] = await Promise.all([
    eventsAfter(store, { id, tMs, where }),
    store.search({
      fromMs: tMs - REACH_MS,
      toMs: tMs + 1,
      where,
      limit: EVENTS_EACH_SIDE,
      after: { tMs, id },
    }),
  ]);
  return { after, before };
}

type At = { id: EventId; tMs: number; where: StoreFilter };

/** Searches return the newest events, so the end of the range is chosen by counting how many follow. */
async function eventsAfter(store: Reader, { id, tMs, where }: At): Promise<EventDocument[]> {
  const aggregate = { kind: "count" } as const;
  const range = { fromMs: tMs, toMs: tMs + REACH_MS };
  const rows = await store.aggregate({ ...range, aggregate, where, stepMs: SECOND_MS });
  let events = 0;
  let toMs = range.toMs;
  for (const row of rows.toSorted((a, b) => a.tMs - b.tMs)) {
    events += row.value;
    toMs = row.tMs + SECOND_MS;
    // All events of the same time may be older ones.
    if (events > EVENTS_EACH_SIDE && row.tMs > tMs) break;
  }
  const limit = Math.max(1, Math.min(events, READ_MAX));
  const found = await store.search({ fromMs: tMs, toMs, where, limit });
  const at = found.findIndex((one) => one.id === id);
  return found.slice(0, at === -1 ? undefined : at).slice(-EVENTS_EACH_SIDE);
}
