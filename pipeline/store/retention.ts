import type { Retention } from "./port.ts";

const DAY_MS = 86_400_000;

/** For each dataset the time, epoch ms, before which its events are expired. */
export type Cutoffs = ReadonlyMap<string, number>;

/** Whole UTC days, so that a file is rewritten at most once a day, and hourly rollups expire with their events. */
export function cutoffsOf(retention: Retention, nowMs: number): Cutoffs {
  const cut = (days: number): number => Math.floor((nowMs - days * DAY_MS) / DAY_MS) * DAY_MS;
  return new Map([...retention].map(([dataset, days]) => [dataset, cut(days)]));
}
