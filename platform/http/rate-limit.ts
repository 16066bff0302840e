import type { Clock } from "../clock.ts";
import { AppError } from "../errors.ts";

/** Sent as 429 with Retry-After. */
export class TooManyRequests extends AppError {
  constructor(waitMs: number) {
    super(
      "too_many_requests",
      `Too many attempts. Try again in ${Math.ceil(waitMs / 1_000)} seconds.`,
      { waitMs },
    );
  }
}

export type RateLimit = {
  /** Takes a token of a key. @throws TooManyRequests with the time until the next token if there is none */
  take(key: string): void;
  /** Refills a key's bucket. */
  reset(key: string): void;
};

/** `fullMs`: when it will be full again. `movedMs`: when it was moved to the end of the map. */
type Bucket = { fullMs: number; movedMs: number };
const MOVE_MS = 1_000;

/**
 * A token bucket per key: `burst` tokens, refilled by one every `refillMs`. Memory is bounded by `keysMax`: the keys
 * that were idle longest are dropped first, whose buckets are the fullest.
 */
export function createRateLimit(
  options: { burst: number; refillMs: number; keysMax: number },
  clock: Clock,
): RateLimit {
  /** A map keeps insertion order: a used key moves to its end, at most once a second. */
  const buckets = new Map<string, Bucket>();
  return {
    take(key) {
      const nowMs = clock.nowMs();
      const known = buckets.get(key);
      const emptyMs = nowMs + options.burst * options.refillMs;
      // An empty bucket is full after `burst` refills; only before the clock was set back it could be later.
      if (known !== undefined) known.fullMs = Math.min(known.fullMs, emptyMs);
      const fullMs = Math.max(known?.fullMs ?? nowMs, nowMs);
      const waitMs = fullMs + options.refillMs - emptyMs;
      if (waitMs > 0) throw new TooManyRequests(waitMs);
      if (known !== undefined && nowMs - known.movedMs < MOVE_MS && nowMs >= known.movedMs) {
        known.fullMs = fullMs + options.refillMs;
        return;
      }
      buckets.delete(key);
      buckets.set(key, { fullMs: fullMs + options.refillMs, movedMs: nowMs });
      if (buckets.size > options.keysMax) {
        const [oldest] = buckets.keys();
        if (oldest !== undefined) buckets.delete(oldest);
      }
    },
    reset: (key) => void buckets.delete(key),
  };
}
