import type { TimeRange } from "../filter.ts";
import type { EventStore } from "../store/port.ts";
import { ceilTo, floorTo, planPieces } from "./planner.ts";
import type { MetricQuery } from "./query.ts";
import { readCells } from "./read-cells.ts";
import { SeriesTable } from "./series-table.ts";

/** The window of users connected: a visitor is connected for five minutes after a request. */
export const CONNECTED_MS = 300_000;
const MINUTE_MS = 60_000;
const LEVELS = [3600, 60] as const;
const ASKS = [{ component: "users", measure: "users" }] as const;

/**
 * Distinct visitors from the sketches of whole minutes: of the range, of each step, or for steps below five minutes of
 * the five minutes up to the step's end.
 */
export async function readUsers(
  store: EventStore,
  query: MetricQuery,
  table: SeriesTable,
): Promise<void> {
  const { stepMs } = query;
  const minutes = {
    fromMs: floorTo(query.fromMs, MINUTE_MS),
    toMs: ceilTo(query.toMs, MINUTE_MS),
  };
  if (stepMs === undefined || (stepMs >= CONNECTED_MS && stepMs % MINUTE_MS === 0)) {
    for (const piece of planPieces(minutes, stepMs, LEVELS)) {
      await readCells(store, { query, piece, asks: ASKS }, table);
    }
    return;
  }
  const windowMs = Math.max(stepMs, CONNECTED_MS);
  const byMinute = new SeriesTable();
  const piece = { fromMs: minutes.fromMs - windowMs, toMs: minutes.toMs, source: 60 } as const;
  const perMinute = { ...query, stepMs: MINUTE_MS };
  await readCells(store, { query: perMinute, piece, asks: ASKS }, byMinute);
  for (const { key, points } of byMinute.heaviest(Number.POSITIVE_INFINITY)) {
    const total = table.total(key);
    for (const [tMs, measures] of points) {
      if (tMs >= minutes.fromMs) total.users.merge(measures.users);
    }
    for (let tMs = floorTo(query.fromMs, stepMs); tMs < query.toMs; tMs += stepMs) {
      const window = windowOf(tMs + stepMs, windowMs, minutes);
      for (let minute = window.fromMs; minute < window.toMs; minute += MINUTE_MS) {
        const users = points.get(minute)?.users;
        if (users) table.at(key, tMs).users.merge(users);
      }
    }
  }
}

/** The whole minutes of the window that ends with a step, or with the range. */
function windowOf(endMs: number, windowMs: number, minutes: TimeRange): TimeRange {
  const toMs = Math.min(ceilTo(endMs, MINUTE_MS), minutes.toMs);
  return { fromMs: floorTo(toMs - windowMs, MINUTE_MS), toMs };
}
