import { CountTable } from "../fold/count-table.ts";
import { keptCounts, OTHER } from "../sketches/heavy-hitters.ts";

const OTHER_NUMBER = 0;

/**
 * Counts by name and a detail, such as a status, of the heaviest `namesMax` names; the others are counted together as
 * OTHER (sketches/heavy-hitters.ts). Memory is bounded by twice as many names.
 */
export class NameCounts {
  readonly #namesMax: number;
  /** Names by number. */
  #names = [OTHER];
  #numbers = new Map([[OTHER, OTHER_NUMBER]]);
  #counts = new CountTable();

  constructor(namesMax: number) {
    this.#namesMax = namesMax;
  }

  add(name: string, detail: number, count: number): void {
    if (count === 0) return;
    const number = this.#numberOf(name);
    this.#counts.add(number, detail, count);
  }

  each(take: (name: string, detail: number, count: number) => void): void {
    const { size, groups, keys, counts } = this.#counts;
    for (let entry = 0; entry < size; entry += 1) {
      take(this.#names[groups[entry]!]!, keys[entry]!, counts[entry]!);
    }
  }

  clear(): void {
    this.#names = [OTHER];
    this.#numbers = new Map([[OTHER, OTHER_NUMBER]]);
    this.#counts.clear();
  }

  #numberOf(name: string): number {
    let number = this.#numbers.get(name);
    if (number !== undefined) return number;
    if (this.#names.length > 2 * this.#namesMax) this.#limit();
    number = this.#names.push(name) - 1;
    this.#numbers.set(name, number);
    return number;
  }

  #limit(): void {
    const [all, names] = [this.#counts, this.#names];
    const { size, groups, keys, counts } = all;
    const other: number[] = [];
    const named: number[] = [];
    for (let entry = 0; entry < size; entry += 1) {
      (groups[entry] === OTHER_NUMBER ? other : named).push(entry);
    }
    const kept = keptCounts(
      named.map((entry) => groups[entry]!),
      named.map((entry) => counts[entry]!),
      this.#namesMax,
    );
    this.#counts = new CountTable();
    this.clear();
    for (const entry of other) this.#counts.add(OTHER_NUMBER, keys[entry]!, counts[entry]!);
    for (const [i, entry] of named.entries()) {
      this.add(names[groups[entry]!]!, keys[entry]!, kept[i]!);
      this.add(OTHER, keys[entry]!, counts[entry]! - kept[i]!);
    }
  }
}
