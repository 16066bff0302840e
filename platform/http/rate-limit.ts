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

/**
 * A token bucket for each key: `burst` at once, then one each `refillMs`. Memory is bounded by `keysMax`; the keys that
 * were quiet longest are forgotten first, which is safe: theirs are the fullest buckets.
 */
export function createRateLimit(
  options: { burst: number; refillMs: number; keysMax: number },
  clock: Clock,
): RateLimit {
  /** When the bucket of a key will be full again; a map keeps insertion order, so the oldest comes first. */
  const fullAtMs = new Map<string, number>();
  return {
    take(key) {
      const nowMs = clock.nowMs();
      const fullMs = Math.max(fullAtMs.get(key) ?? nowMs, nowMs);
      const waitMs = fullMs + options.refillMs - (nowMs + options.burst * options.refillMs);
      if (waitMs > 0) return waitMs;
      fullAtMs.delete(key);
      fullAtMs.set(key, fullMs + options.refillMs);
      if (fullAtMs.size > options.keysMax) {
        const [oldest] = fullAtMs.keys();
        if (oldest !== undefined) fullAtMs.delete(oldest);
      }
      return 0;
    },
    reset: (key) => void fullAtMs.delete(key),
  };
}
