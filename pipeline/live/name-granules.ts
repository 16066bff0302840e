import { AHEAD_SECONDS_MAX, lastLiveSecond, type NameWindow } from "./live-part.ts";
import { NameCounts } from "./name-counts.ts";

type Granule = { number: number; counts: NameCounts };

/** Counts by name in a window of the last seconds, in granules of some seconds. */
export class NameGranules {
  readonly #granules: readonly Granule[];
  readonly #granuleS: number;
  readonly #lengthS: number;

  constructor({ namesMax, granuleS }: NameWindow, lengthS: number) {
    this.#granuleS = granuleS;
    this.#lengthS = lengthS;
    // One more than fit into the window, because the oldest and the newest granule are partly in it.
    const length = Math.ceil((lengthS + AHEAD_SECONDS_MAX) / granuleS) + 1;
    this.#granules = Array.from({ length }, () => ({
      number: -1,
      counts: new NameCounts(namesMax),
    }));
  }

  /** The counts of a second's granule; undefined if it is too old. */
  at(second: number, nowS: number): NameCounts | undefined {
    const number = this.#numberOf(second);
    const granule = this.#granules[number % this.#granules.length]!;
    // A later number is from before the clock was set back.
    if (granule.number > number && granule.number <= this.#newest(nowS)) return undefined;
    if (granule.number !== number) {
      granule.number = number;
      granule.counts.clear();
    }
    return granule.counts;
  }

  /** The counts of the granules of the window that ends now. */
  recent(nowS: number): NameCounts[] {
    const oldest = this.#numberOf(nowS - this.#lengthS);
    const newest = this.#newest(nowS);
    return this.#granules
      .filter(({ number }) => number >= oldest && number <= newest)
      .map(({ counts }) => counts);
  }

  #newest(nowS: number): number {
    return this.#numberOf(lastLiveSecond(nowS));
  }

  #numberOf(second: number): number {
    return Math.floor(second / this.#granuleS);
  }
}
