import type { Colour, LaneCounts } from "#deployer/drivers.ts";

const SECOND_MS = 1_000;
const SECONDS_KEPT = 3 * 3_600;
/** The buckets of latencies begin at 0.1 ms and grow by a quarter, up to more than a minute. */
const FIRST_MS = 0.1;
const GROWTH = 1.25;
const BUCKETS = 64;
const BUCKET_COUNT_MAX = 65_535;
const P95 = 0.95;

/** Counts that can be added: of seconds, and of nodes. */
export type Tally = { requests: number; errors: number; buckets: number[] };
export type Tallies = Readonly<Record<Colour, Tally>>;

export const emptyTally = (): Tally => ({
  requests: 0,
  errors: 0,
  buckets: Array.from({ length: BUCKETS }, () => 0),
});

export function addTally(sum: Tally, more: Tally): void {
  sum.requests += more.requests;
  sum.errors += more.errors;
  for (let at = 0; at < BUCKETS; at += 1) {
    sum.buckets[at] = (sum.buckets[at] ?? 0) + (more.buckets[at] ?? 0);
  }
}

/** The quantile is the upper bound of its bucket: up to a quarter too high. */
export function laneCounts({ requests, errors, buckets }: Tally): LaneCounts {
  const total = buckets.reduce((sum, count) => sum + count, 0);
  let below = 0;
  const at = buckets.findIndex((count) => (below += count) >= P95 * total);
  return { requests, errors, latencyMsP95: total === 0 ? undefined : FIRST_MS * GROWTH ** at };
}

const LOG_GROWTH = Math.log(GROWTH);
const bucketOf = (ms: number): number =>
  ms <= FIRST_MS ? 0 : Math.min(BUCKETS - 1, Math.ceil(Math.log(ms / FIRST_MS) / LOG_GROWTH));

/** What clients got from one colour in each of the last three hours' seconds, in memory that is allocated once. */
export class SecondCounts {
  /** Which second a place has, as they are used again. */
  readonly #second = new Float64Array(SECONDS_KEPT);
  readonly #requests = new Uint32Array(SECONDS_KEPT);
  readonly #errors = new Uint32Array(SECONDS_KEPT);
  readonly #buckets = new Uint16Array(SECONDS_KEPT * BUCKETS);

  count(atMs: number, latencyMs: number, isError: boolean): void {
    const second = Math.floor(atMs / SECOND_MS);
    const place = second % SECONDS_KEPT;
    if (this.#second[place] !== second) this.#clear(place, second);
    this.#requests[place] = (this.#requests[place] ?? 0) + 1;
    if (isError) this.#errors[place] = (this.#errors[place] ?? 0) + 1;
    const bucket = place * BUCKETS + bucketOf(latencyMs);
    const count = this.#buckets[bucket] ?? 0;
    if (count < BUCKET_COUNT_MAX) this.#buckets[bucket] = count + 1;
  }

  /** Of the whole seconds from then on. */
  since(fromMs: number, nowMs: number): Tally {
    const sum = emptyTally();
    const last = Math.floor(nowMs / SECOND_MS);
    const first = Math.max(Math.ceil(fromMs / SECOND_MS), last - SECONDS_KEPT + 1);
    for (let second = first; second <= last; second += 1) {
      const place = second % SECONDS_KEPT;
      if (this.#second[place] !== second) continue;
      sum.requests += this.#requests[place] ?? 0;
      sum.errors += this.#errors[place] ?? 0;
      for (let at = 0; at < BUCKETS; at += 1) {
        sum.buckets[at] = (sum.buckets[at] ?? 0) + (this.#buckets[place * BUCKETS + at] ?? 0);
      }
    }
    return sum;
  }

  #clear(place: number, second: number): void {
    this.#second[place] = second;
    this.#requests[place] = 0;
    this.#errors[place] = 0;
    this.#buckets.fill(0, place * BUCKETS, (place + 1) * BUCKETS);
  }
}
