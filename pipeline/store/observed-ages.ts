/**
 * For how long this process has seen files in some state, by its monotonic clock: times in their names and of the file
 * system are useless after the clock of the machine was set back.
 */
export class ObservedAges {
  readonly #monotonicMs: () => number;
  #firstMs = new Map<string, number>();

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  /** Replaces the files in the state. */
  update(names: Iterable<string>): void {
    const nowMs = this.#monotonicMs();
    const before = this.#firstMs;
    this.#firstMs = new Map();
    for (const name of names) this.#firstMs.set(name, before.get(name) ?? nowMs);
  }

  /** 0 for a file that is not in the state. */
  observedMs(name: string): number {
    const nowMs = this.#monotonicMs();
    return nowMs - (this.#firstMs.get(name) ?? nowMs);
  }
}
