import type { Clock } from "../clock.ts";
import { AppError } from "../errors.ts";

/** Answered as 429 with Retry-After. */
export class TooManyRequests extends AppError {
  constructor(waitMs: number) {
    super(
      "too_many_requests",
      `Too many tries. Try again in ${Math.ceil(waitMs / 1_000)} seconds.`,
      { waitMs },
    );
  }
}

export type RateLimit = {
  /** Takes one token of a key: 0 when there was one, else ms until the next. */
  take(key: string): number;
  /** Gives a key all its tokens back. */
  reset(key: string): void;
};

/** `fullMs`: when it will be full again. `movedMs`: when it was put to the end of the map. */
type Bucket = { fullMs: number; movedMs: number };
const MOVE_MS = 1_000;

/**
 * A token bucket for each key: `burst` at once, then one each `refillMs`. Memory is bounded by `keysMax`; the keys that
 * were quiet longest are forgotten first, which is safe: theirs are the fullest buckets.
 */
export function createRateLimit(
  options: { burst: number; refillMs: number; keysMax: number },
  clock: Clock,
): RateLimit {
  /** A map keeps insertion order: a key that is used goes to its end, though not at every use of a busy second. */
  const buckets = new Map<string, Bucket>();
  return {
    take(key) {
      const nowMs = clock.nowMs();
      const known = buckets.get(key);
      const fullMs = Math.max(known?.fullMs ?? nowMs, nowMs);
      const waitMs = fullMs + options.refillMs - (nowMs + options.burst * options.refillMs);
      if (waitMs > 0) return waitMs;
      if (known !== undefined && nowMs - known.movedMs < MOVE_MS && nowMs >= known.movedMs) {
        known.fullMs = fullMs + options.refillMs;
        return 0;
      }
      buckets.delete(key);
      buckets.set(key, { fullMs: fullMs + options.refillMs, movedMs: nowMs });
      if (buckets.size > options.keysMax) {
        const [oldest] = buckets.keys();
        if (oldest !== undefined) buckets.delete(oldest);
      }
      return 0;
    },
    reset: (key) => void buckets.delete(key),
  };
}
