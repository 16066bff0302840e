import { TooManyRequests } from "#platform/http/rate-limit.ts";

import type { PushToken } from "../tokens/push-token.ts";

/** Tokens whose rates are remembered. */
const TOKENS_MAX = 2_000;
/** Unused events of so many seconds may be sent at once. */
const BURST_SECONDS = 5;

/** How many events a token may send at `atMs`; negative after a request that had more. */
type Account = { events: number; atMs: number };

/** The rate of the events of each token. */
export class EventRates {
  readonly #monotonicMs: () => number;
  readonly #accounts = new Map<string, Account>();

  constructor(monotonicMs = () => performance.now()) {
    this.#monotonicMs = monotonicMs;
  }

  /** To be called before a request is read. @throws TooManyRequests while the token has sent too many events */
  check({ id, eventsPerSecond }: PushToken): void {
    if (eventsPerSecond === null) return;
    const { events } = this.#account(id, eventsPerSecond);
    if (events <= 0) throw new TooManyRequests(((1 - events) / eventsPerSecond) * 1_000);
  }

  /** Counts events that were accepted. A single request may exceed the rate; the next ones then wait for longer. */
  count({ id, eventsPerSecond }: PushToken, events: number): void {
    if (eventsPerSecond === null) return;
    this.#account(id, eventsPerSecond).events -= events;
  }

  #account(id: string, perSecond: number): Account {
    const nowMs = this.#monotonicMs();
    const most = perSecond * BURST_SECONDS;
    const known = this.#accounts.get(id) ?? { events: most, atMs: nowMs };
    this.#accounts.delete(id);
    this.#accounts.set(id, known);
    const [oldest] = this.#accounts.keys();
    if (this.#accounts.size > TOKENS_MAX && oldest !== undefined) this.#accounts.delete(oldest);
    known.events = Math.min(most, known.events + ((nowMs - known.atMs) / 1_000) * perSecond);
    known.atMs = nowMs;
    return known;
  }
}
