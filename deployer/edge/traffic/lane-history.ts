import type { Colour, LaneCounts } from "#deployer/drivers.ts";
import { type Clock, systemClock } from "#platform/clock.ts";

import type { Served } from "./access-line.ts";

/** What clients got from one colour, and from where. */
export type LaneTraffic = LaneCounts & { hits: number; misses: number };

type Counts = { requests: number; errors: number; hits: number; misses: number };
/** With the requests by the bucket of their latency. */
type Cell = Counts & { latencies: Uint32Array };
/** Counts to which those of other nodes can be added. */
export type LaneTallies = Readonly<Record<Colour, Counts & { latencies: number[] }>>;

/** Buckets grow by a tenth up to 100 s, so a percentile is at most 5 % off. */
const GROWTH = 1.1;
export const BUCKETS = 1 + Math.ceil(Math.log(100_000) / Math.log(GROWTH));
const PERCENTILE = 0.95;

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const SECONDS_KEPT_MS = 10 * MINUTE_MS;
const MINUTES_KEPT_MS = 24 * 60 * MINUTE_MS;

/** Counts of the last day: by second for ten minutes, by minute before that. Its size does not depend on the traffic. */
export class LaneHistory {
  readonly #seconds = new Series(SECOND_MS, SECONDS_KEPT_MS);
  readonly #minutes = new Series(MINUTE_MS, MINUTES_KEPT_MS);
  readonly #clock: Clock;

  constructor(clock = systemClock) {
    this.#clock = clock;
  }

  add(served: Served): void {
    const nowMs = this.#clock.nowMs();
    this.#seconds.add(served, nowMs);
    this.#minutes.add(served, nowMs);
  }

  /** From the first whole second after `fromMs`, or minute if that is long ago. */
  tallies(workload: string, fromMs: number): LaneTallies {
    const nowMs = this.#clock.nowMs();
    const fineMs = Math.ceil((nowMs - SECONDS_KEPT_MS) / MINUTE_MS) * MINUTE_MS;
    const laneOf = (colour: Colour): LaneTallies[Colour] => {
      const sum = newCell();
      const key = keyOf(workload, colour);
      for (const cell of this.#minutes.cells(key, fromMs, fineMs)) addTo(sum, cell);
      for (const cell of this.#seconds.cells(key, Math.max(fromMs, fineMs), Infinity))
        addTo(sum, cell);
      return { ...sum, latencies: [...sum.latencies] };
    };
    return { blue: laneOf("blue"), green: laneOf("green") };
  }

  /** The same, summed up. */
  counts(workload: string, fromMs: number): Record<Colour, LaneTraffic> {
    return sumTallies([this.tallies(workload, fromMs)]);
  }

  /** Cells in memory. */
  get size(): number {
    return this.#seconds.size + this.#minutes.size;
  }
}

/** What clients of all nodes got. */
export function sumTallies(all: readonly LaneTallies[]): Record<Colour, LaneTraffic> {
  const sumOf = (colour: Colour): LaneTraffic => {
    const sum = newCell();
    for (const tallies of all) addTo(sum, tallies[colour]);
    const { latencies, ...counts } = sum;
    return { ...counts, latencyMsP95: percentileOf(latencies) };
  };
  return { blue: sumOf("blue"), green: sumOf("green") };
}

const keyOf = (workload: string, colour: Colour): string => `${workload} ${colour}`;

class Series {
  readonly #widthMs: number;
  readonly #keptMs: number;
  /** By start of the time and then by workload and colour. */
  readonly #times = new Map<number, Map<string, Cell>>();

  constructor(widthMs: number, keptMs: number) {
    this.#widthMs = widthMs;
    this.#keptMs = keptMs;
  }

  add(served: Served, nowMs: number): void {
    const startMs = Math.floor(served.timeMs / this.#widthMs) * this.#widthMs;
    if (startMs < nowMs - this.#keptMs || startMs > nowMs + this.#widthMs) return;
    let cells = this.#times.get(startMs);
    if (cells === undefined) {
      this.#forget(nowMs);
      this.#times.set(startMs, (cells = new Map()));
    }
    const key = keyOf(served.workload, served.colour);
    let cell = cells.get(key);
    if (cell === undefined) cells.set(key, (cell = newCell()));
    cell.requests += 1;
    if (served.isError) cell.errors += 1;
    if (served.cache === "hit") cell.hits += 1;
    if (served.cache === "miss") cell.misses += 1;
    if (served.latencyMs === undefined) return;
    const at = bucketOf(served.latencyMs);
    cell.latencies[at] = (cell.latencies[at] ?? 0) + 1;
  }

  *cells(key: string, fromMs: number, untilMs: number): Iterable<Cell> {
    for (const [startMs, cells] of this.#times) {
      const cell = startMs >= fromMs && startMs < untilMs ? cells.get(key) : undefined;
      if (cell !== undefined) yield cell;
    }
  }

  get size(): number {
    return [...this.#times.values()].reduce((sum, cells) => sum + cells.size, 0);
  }

  #forget(nowMs: number): void {
    for (const startMs of this.#times.keys()) {
      if (startMs < nowMs - this.#keptMs) this.#times.delete(startMs);
    }
  }
}

const newCell = (): Cell => ({
  requests: 0,
  errors: 0,
  hits: 0,
  misses: 0,
  latencies: new Uint32Array(BUCKETS),
});

function addTo(sum: Cell, cell: Counts & { latencies: Iterable<number> }): void {
  sum.requests += cell.requests;
  sum.errors += cell.errors;
  sum.hits += cell.hits;
  sum.misses += cell.misses;
  let at = 0;
  for (const count of cell.latencies) {
    sum.latencies[at] = (sum.latencies[at] ?? 0) + count;
    at += 1;
  }
}

const bucketOf = (ms: number): number =>
  ms < 1 ? 0 : Math.min(BUCKETS - 1, 1 + Math.floor(Math.log(ms) / Math.log(GROWTH)));

/** The middle of the bucket in which the percentile is. */
function percentileOf(latencies: Uint32Array): number | undefined {
  const total = latencies.reduce((sum, count) => sum + count, 0);
  if (total === 0) return undefined;
  let left = Math.ceil(total * PERCENTILE);
  const at = latencies.findIndex((count) => (left -= count) <= 0);
  return at === 0 ? 0.5 : GROWTH ** (at - 0.5);
}

/** Hits among the requests that were looked up in the cache; undefined if there were none. */
export function hitRatio({ hits, misses }: LaneTraffic): number | undefined {
  return hits + misses === 0 ? undefined : hits / (hits + misses);
}
