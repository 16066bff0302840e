import type { Clock } from "../clock.ts";
import { type RateLimit, createRateLimit } from "./rate-limit.ts";
import type { Route } from "./route.ts";

const LIMIT_KEYS_MAX = 50_000;
/** Process supervisors act on these responses: a 429 would make them restart a healthy process. */
const UNLIMITED = new Set(["/livez", "/readyz"]);

/** The rate limits of one route: the general one of the program, and its own. */
export class RouteLimits {
  readonly #general: RateLimit | undefined;
  readonly #own: RateLimit | undefined;

  constructor(
    { path, limit }: Pick<Route, "path" | "limit">,
    deps: { limit?: RateLimit | undefined; clock: Clock },
  ) {
    this.#general = UNLIMITED.has(path) ? undefined : deps.limit;
    this.#own =
      limit &&
      createRateLimit(
        { burst: limit.burst, refillMs: 60_000 / limit.perMinute, keysMax: LIMIT_KEYS_MAX },
        deps.clock,
      );
  }

  /** `key`: the caller, or the address of an anonymous one. @throws AppError too_many_requests */
  count(key: string): void {
    this.countInvalid(key);
    this.#own?.take(key);
  }

  /** For requests with invalid credentials. @throws AppError too_many_requests */
  countInvalid(key: string): void {
    this.#general?.take(key);
  }
}
