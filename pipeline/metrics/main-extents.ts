import type { TimeRange } from "../filter.ts";
import { events } from "../measures/events.ts";
import { STATUS_CELLS } from "../measures/requests.ts";
import type { RollupLevelS } from "../rollup.ts";
import type { Extent, MetricReader } from "../store/port.ts";
import { AHEAD_MS_MAX } from "../time-range.ts";
import { floorTo } from "./planner.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** Longer extents are counted by day, shorter ones by hour. */
const HOURS_MS_MAX = 60 * DAY_MS;
/** Events are odd if this long without events separates them from the others, and if they are few: */
const GAP_MS = DAY_MS;
const ODD_SHARE_MAX = 0.01;
/** The last ones may also be the first ones after a pause, so only very few are odd. */
const ODD_LAST_ROWS_MAX = 10;

/** The datasets with the most events are narrowed; more would make the boards of a store with many datasets slow. */
const NARROWED_MAX = 16;

/** Measures that together count every event once. */
const EVERY_EVENT = [STATUS_CELLS.measure, events.cells[0].measure];

type Bucket = { tMs: number; rows: number };

/**
 * The extents of the datasets, narrowed to the time in which most of their events are: a few events with wrong times
 * must not decide which range is shown, whether a log is live, or from when on it is forecast. Events that are ahead of
 * the clock never count, unless a dataset has no others.
 */
export async function mainExtents(store: MetricReader, nowMs: number): Promise<Extent[]> {
  const extents = await store.extents();
  const minute = Math.floor(nowMs / MINUTE_MS);
  const known = lastAnswers.get(extents);
  if (known?.minute === minute) return known.main;
  const largest = extents.toSorted((a, b) => b.rows - a.rows).slice(0, NARROWED_MAX);
  const narrowed = new Map<string, Extent>();
  for (const extent of largest) {
    const isShort = extent.toMs - extent.fromMs < GAP_MS;
    if (isShort && isPlausible(extent, nowMs)) continue;
    narrowed.set(extent.dataset, await narrow(store, extent, nowMs));
  }
  const main = extents.map((extent) => narrowed.get(extent.dataset) ?? extent);
  lastAnswers.set(extents, { minute, main });
  return main;
}

/** A store answers with the same array until it has other events, so that many boards need the counts once. */
const lastAnswers = new WeakMap<readonly Extent[], { minute: number; main: Extent[] }>();

/** Whether its newest event is not ahead of the clock. */
export const isPlausible = ({ toMs }: TimeRange, nowMs: number): boolean =>
  toMs <= nowMs + AHEAD_MS_MAX;

/**
 * The part of a range in which events are measured, so that times without events count as 0 there: the main extent,
 * and up to the oldest and newest event if the range reaches those.
 */
export function measuredIn(range: TimeRange, main: Extent, whole: Extent): TimeRange {
  return {
    fromMs: whole.fromMs >= range.fromMs ? whole.fromMs : main.fromMs,
    toMs: whole.toMs < range.toMs ? whole.toMs : main.toMs,
  };
}

async function narrow(store: MetricReader, extent: Extent, nowMs: number): Promise<Extent> {
  const endMs = nowMs + AHEAD_MS_MAX;
  const stepMs = extent.toMs - extent.fromMs > HOURS_MS_MAX ? DAY_MS : HOUR_MS;
  const minutesOf = async ({ tMs }: { tMs: number }): Promise<Bucket[]> => {
    const range = { fromMs: tMs, toMs: Math.min(tMs + stepMs, endMs) };
    return count(store, extent, { range, levelS: 60, stepMs: MINUTE_MS });
  };
  const whole = { fromMs: floorTo(extent.fromMs, stepMs), toMs: extent.toMs + 1 };
  let buckets = await count(store, extent, { range: whole, levelS: 3600, stepMs });
  if (!isPlausible(extent, nowMs)) {
    const last = { tMs: floorTo(endMs, stepMs), rows: 0 };
    last.rows = rowsOf(await minutesOf(last));
    buckets = [...buckets.filter(({ tMs }) => tMs < last.tMs), ...(last.rows > 0 ? [last] : [])];
  }
  const main = withoutOdd(buckets, stepMs);
  const [first, last] = [main.at(0), main.at(-1)];
  if (!first || !last) return extent;
  const isEnd = isPlausible(extent, nowMs) && last === buckets.at(-1);
  const from = first === buckets[0] ? undefined : (await minutesOf(first)).at(0);
  const to = isEnd ? undefined : (await minutesOf(last)).at(-1);
  return {
    ...extent,
    fromMs: from?.tMs ?? extent.fromMs,
    toMs: to ? to.tMs + MINUTE_MS - 1 : extent.toMs,
  };
}

/** The buckets with events of the dataset, oldest first. */
async function count(
  store: MetricReader,
  { dataset }: Extent,
  { range, levelS, stepMs }: { range: TimeRange; levelS: RollupLevelS; stepMs: number },
): Promise<Bucket[]> {
  const cells = await store.cells({
    ...range,
    levelS,
    stepMs,
    measures: EVERY_EVENT,
    dataset,
    byKey: false,
  });
  const rows = new Map<number, number>();
  for (const { tMs, value } of cells) rows.set(tMs, (rows.get(tMs) ?? 0) + value);
  const buckets = [...rows].map(([tMs, sum]): Bucket => ({ tMs, rows: sum }));
  return buckets.toSorted((a, b) => a.tMs - b.tMs);
}

const rowsOf = (buckets: readonly Bucket[]): number =>
  buckets.reduce((sum, { rows }) => sum + rows, 0);

/** Without the few events at the start and at the end that a gap separates from the others. */
function withoutOdd(buckets: readonly Bucket[], stepMs: number): Bucket[] {
  const oddRowsMax = rowsOf(buckets) * ODD_SHARE_MAX;
  const clusters = clustersOf(buckets, stepMs);
  const later = clusters.slice(countOdd(clusters, oddRowsMax));
  const odd = countOdd(later.toReversed(), Math.min(oddRowsMax, ODD_LAST_ROWS_MAX));
  return later.slice(0, later.length - odd).flat();
}

/** The number of clusters from the first one on that have at most this many events together; never all. */
function countOdd(clusters: readonly Bucket[][], rowsMax: number): number {
  let odd = 0;
  let rows = 0;
  for (const cluster of clusters.slice(0, -1)) {
    rows += rowsOf(cluster);
    if (rows > rowsMax) break;
    odd += 1;
  }
  return odd;
}

/** Runs of buckets without a gap. */
function clustersOf(buckets: readonly Bucket[], stepMs: number): Bucket[][] {
  const clusters: Bucket[][] = [];
  for (const bucket of buckets) {
    const lastMs = clusters.at(-1)?.at(-1)?.tMs;
    if (lastMs !== undefined && bucket.tMs - (lastMs + stepMs) < GAP_MS) {
      clusters.at(-1)?.push(bucket);
    } else clusters.push([bucket]);
  }
  return clusters;
}
