const WAITING_MAX = 256;
const AGE_EVERY_S = 60;

/**
 * Decides which names have one of a limited number of places: those with the most activity in the last minutes, not the
 * first ones. Of the names without a place, the most active are remembered (Misra–Gries, sketches/heavy-hitters.ts).
 */
export class LivePlaces {
  readonly #placesMax: number;
  /** Activity of the names with a place, and of some without. It is halved every minute. */
  readonly #placed = new Map<string, number>();
  readonly #waiting = new Map<string, number>();
  #agedAtS = 0;

  constructor(placesMax: number) {
    this.#placesMax = placesMax;
  }

  /** Records activity of a name; returns whether it has a place, and the name that lost its place to it. */
  record(name: string, nowS: number): { isPlaced: boolean; removed?: string } {
    this.#age(nowS);
    const active = this.#placed.get(name);
    if (active !== undefined || this.#placed.size < this.#placesMax) {
      this.#placed.set(name, (active ?? 0) + 1);
      return { isPlaced: true };
    }
    const count = (this.#waiting.get(name) ?? 0) + 1;
    const [removed, least] = this.#leastActive();
    if (count <= 2 * least) {
      this.#wait(name, count);
      return { isPlaced: false };
    }
    this.#placed.delete(removed);
    this.#waiting.delete(name);
    this.#placed.set(name, count);
    return { isPlaced: true, removed };
  }

  #leastActive(): [name: string, activity: number] {
    let least: [string, number] = ["", Number.POSITIVE_INFINITY];
    for (const entry of this.#placed) if (entry[1] < least[1]) least = entry;
    return least;
  }

  #wait(name: string, count: number): void {
    if (this.#waiting.has(name) || this.#waiting.size < WAITING_MAX) {
      this.#waiting.set(name, count);
    } else change(this.#waiting, (activity) => activity - 1);
  }

  #age(nowS: number): void {
    if (Math.abs(nowS - this.#agedAtS) < AGE_EVERY_S) return;
    this.#agedAtS = nowS;
    change(this.#waiting, (activity) => Math.floor(activity / 2));
    for (const [name, activity] of this.#placed) this.#placed.set(name, Math.floor(activity / 2));
  }
}

/** Changes all counts, and removes those that become 0. */
function change(counts: Map<string, number>, to: (count: number) => number): void {
  for (const [name, count] of counts) {
    const changed = to(count);
    if (changed > 0) counts.set(name, changed);
    else counts.delete(name);
  }
}
