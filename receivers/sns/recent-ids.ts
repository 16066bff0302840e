import type { Clock } from "#platform/clock.ts";

type Entry = { atMs: number; done: Promise<void> };

/** Does something once for each id, within a time and for a number of ids. */
export class RecentIds {
  readonly #idsMax: number;
  readonly #msMax: number;
  readonly #clock: Clock;
  /** The oldest first. */
  readonly #entries = new Map<string, Entry>();

  constructor(idsMax: number, msMax: number, clock: Clock) {
    this.#idsMax = idsMax;
    this.#msMax = msMax;
    this.#clock = clock;
  }

  /** Does it unless it was done, or waits while it is being done. After a failure it may be done again. */
  once(id: string, act: () => Promise<void>): Promise<void> {
    const nowMs = this.#clock.nowMs();
    const known = this.#entries.get(id);
    if (known && Math.abs(nowMs - known.atMs) <= this.#msMax) return known.done;
    const done = act();
    this.#entries.delete(id);
    this.#entries.set(id, { atMs: nowMs, done });
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > this.#idsMax && oldest !== undefined) this.#entries.delete(oldest);
    done.catch(() => {
      if (this.#entries.get(id)?.done === done) this.#entries.delete(id);
    });
    return done;
  }
}
