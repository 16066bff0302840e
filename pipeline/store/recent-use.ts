/** Half of the time that was used is forgotten after this time. */
const HALF_LIFE_MS = 1_000;
const NEGLIGIBLE_MS = 1;

type Use = { ms: number; atMs: number };

/**
 * For how long each asker used connections lately: used time that decays, as in Kay and Lauder, "A Fair Share Scheduler",
 * Communications of the ACM 31 (1988).
 */
export class RecentUse {
  readonly #uses = new Map<string | undefined, Use>();

  /** Milliseconds; `nowMs` never decreases. */
  ms(asker: string | undefined, nowMs: number): number {
    const use = this.#uses.get(asker);
    return use ? use.ms * 0.5 ** ((nowMs - use.atMs) / HALF_LIFE_MS) : 0;
  }

  add(asker: string | undefined, ms: number, nowMs: number): void {
    this.#uses.set(asker, { ms: this.ms(asker, nowMs) + ms, atMs: nowMs });
    for (const other of this.#uses.keys()) {
      if (this.ms(other, nowMs) < NEGLIGIBLE_MS) this.#uses.delete(other);
    }
  }
}
