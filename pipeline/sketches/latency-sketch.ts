/**
 * DDSketch (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile sketch with relative-error
 * guarantees", PVLDB 12(12), 2019): a histogram whose buckets grow by a constant factor, so that every quantile
 * is within 2 % of the true value, and two sketches merge by adding their counts.
 *
 * A store that assigns raw rows to buckets itself computes the same number from a duration in nanoseconds:
 * `ns ≤ LOWEST_NS ? BUCKET_MIN : ceil(ln(ns / 1e6) / LN_GAMMA)`; negative durations count as not measured.
 */
export const RELATIVE_ACCURACY = 0.02;
const GAMMA = (1 + RELATIVE_ACCURACY) / (1 - RELATIVE_ACCURACY);
export const LN_GAMMA = Math.log(GAMMA);
/** All durations up to a microsecond share the lowest bucket. */
export const LOWEST_MS = 0.001;
export const LOWEST_NS = 1000;
export const NS_PER_MS = 1e6;
export const BUCKET_MIN = Math.ceil(Math.log(LOWEST_MS) / LN_GAMMA);
/** The bucket of the longest duration in a `long` of nanoseconds (2^53, some 104 days). */
export const BUCKET_MAX = Math.ceil(Math.log(Number.MAX_SAFE_INTEGER / NS_PER_MS) / LN_GAMMA);
/** Represents the bucket of an unknown duration. */
export const NO_BUCKET = -0x8000;
export const BUCKETS = BUCKET_MAX - BUCKET_MIN + 1;

/** The bucket of a duration in ms: an integer from BUCKET_MIN to BUCKET_MAX. */
export function bucketOf(ms: number): number {
  if (!(ms > LOWEST_MS)) return BUCKET_MIN;
  const bucket = Math.ceil(Math.log(ms) / LN_GAMMA);
  // Adding 0 converts -0 to 0, so that both have the same key.
  return (bucket < BUCKET_MAX ? bucket : BUCKET_MAX) + 0;
}

/** The duration in ms that represents a bucket: at most 2 % from every duration in it. */
export function valueOf(bucket: number): number {
  return (2 * GAMMA ** bucket) / (GAMMA + 1);
}

export class LatencySketch {
  readonly #counts = new Map<number, number>();
  #count = 0;

  /** The number of durations that were added. */
  get size(): number {
    return this.#count;
  }

  add(ms: number): void {
    this.addBucket(bucketOf(ms), 1);
  }

  addBucket(bucket: number, count: number): void {
    if (count <= 0) return;
    this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + count);
    this.#count += count;
  }

  merge(other: LatencySketch): void {
    for (const [bucket, count] of other.#counts) this.addBucket(bucket, count);
  }

  /** Buckets that are not empty, lowest first. */
  buckets(): [bucket: number, count: number][] {
    return [...this.#counts].toSorted((a, b) => a[0] - b[0]);
  }

  /** The q-quantile (0 ≤ q ≤ 1) in ms, within 2 %; null if nothing was added. */
  quantile(q: number): number | null {
    return this.quantiles([q])[0] ?? null;
  }

  /** Several quantiles with one sort. */
  quantiles(qs: readonly number[]): (number | null)[] {
    const sorted = this.buckets();
    return qs.map((q) => {
      const rank = q * (this.#count - 1);
      let below = 0;
      for (const [bucket, count] of sorted) {
        below += count;
        if (below > rank) return valueOf(bucket);
      }
      return null;
    });
  }
}
