/**
 * How much counters have increased since the sample before. A counter that has decreased was reset, so that its value is
 * its increase.
 */
export class Increases {
  #before: ReadonlyMap<string, number> | undefined;

  /**
   * Undefined for the first sample. `newFrom`: the earlier value of counters that were not in the sample before; absent if it is
   * unknown, so that they have no increase.
   */
  take(now: ReadonlyMap<string, number>, newFrom?: number): Map<string, number> | undefined {
    const before = this.#before;
    this.#before = now;
    if (!before) return undefined;
    const increases = new Map<string, number>();
    for (const [name, value] of now) {
      const earlier = before.get(name) ?? newFrom;
      if (earlier !== undefined) increases.set(name, value < earlier ? value : value - earlier);
    }
    return increases;
  }
}

/** The share of hits among all reads of a cache; undefined if there were none. */
export function hitRatio(hits: number | undefined, misses: number | undefined): number | undefined {
  if (hits === undefined || misses === undefined || hits + misses <= 0) return undefined;
  return hits / (hits + misses);
}
