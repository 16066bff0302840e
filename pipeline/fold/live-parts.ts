import type { LivePart } from "../live/live-part.ts";
import { Gauge } from "../sketches/gauge.ts";
import { CountTable } from "./count-table.ts";
import type { LiveSlots } from "./live-slots.ts";
import type { NameTable } from "./names.ts";

/** Live increments of one measure, collected by slot and returned by dataset. */

/** One count a second: `numbers` has one for each second of the delta. */
export class LiveCounts {
  #counts = new Uint32Array(64);

  add(slot: number, count: number): void {
    if (slot >= this.#counts.length) {
      const grown = new Uint32Array(Math.max(this.#counts.length * 2, slot + 1));
      grown.set(this.#counts);
      this.#counts = grown;
    }
    this.#counts[slot]! += count;
  }

  /** By the index of the dataset. */
  take({ datasets, datasetOf, secondOf }: LiveSlots): LivePart[] {
    const parts = datasets.map(({ seconds }) => ({ numbers: new Uint32Array(seconds.length) }));
    for (const [slot, dataset] of datasetOf.entries()) {
      parts[dataset]!.numbers[secondOf[slot]!] = this.#counts[slot] ?? 0;
    }
    this.#counts.fill(0);
    return parts;
  }
}

/** Counts by second and code: `numbers` has triples of a second's index, a code and a count. */
export class LiveTable {
  readonly #table = new CountTable();

  add(slot: number, code: number, count: number): void {
    this.#table.add(slot, code, count);
  }

  /**
   * By the index of the dataset. Where codes hold numbers of names, in units of `unit`, these become indexes into the
   * part's own names.
   */
  take(slots: LiveSlots, named?: { names: NameTable; unit: number }): LivePart[] {
    const { firsts, seconds, counts, size } = this.#table;
    const { datasetOf, secondOf } = slots;
    const ends = slots.datasets.map(() => 0);
    for (let entry = 0; entry < size; entry += 1) ends[datasetOf[firsts[entry]!]!]! += 3;
    const triples = ends.map((length) => new Uint32Array(length));
    const namings = ends.map(() => named && new Renumbering(named));
    ends.fill(0);
    for (let entry = 0; entry < size; entry += 1) {
      const slot = firsts[entry]!;
      const dataset = datasetOf[slot]!;
      const numbers = triples[dataset]!;
      const at = ends[dataset]!;
      numbers[at] = secondOf[slot]!;
      numbers[at + 1] = namings[dataset]?.codeOf(seconds[entry]!) ?? seconds[entry]!;
      numbers[at + 2] = counts[entry]!;
      ends[dataset] = at + 3;
    }
    this.#table.clear();
    return triples.map((numbers, dataset) => {
      const names = namings[dataset]?.used;
      return { numbers, ...(names ? { names } : {}) };
    });
  }
}

/** Gauges by second: `numbers` as `GaugeSeconds` reads them. */
export class LiveGauges {
  #gauges: (Gauge | undefined)[] = [];

  add(slot: number, tMs: number, value: number): void {
    (this.#gauges[slot] ??= new Gauge()).add(tMs, value);
  }

  /** By the index of the dataset. */
  take({ datasets, datasetOf, secondOf }: LiveSlots): LivePart[] {
    const numbers = datasets.map((): number[] => []);
    for (const [slot, gauge] of this.#gauges.entries()) {
      if (!gauge) continue;
      const { count, lastMs, last, min, max, sum } = gauge;
      numbers[datasetOf[slot]!]!.push(secondOf[slot]!, count, lastMs, last, min, max, sum);
    }
    this.#gauges = [];
    return numbers.map((one) => ({ numbers: Float64Array.from(one) }));
  }
}

/** Replaces a batch's numbers of names by indexes into the names that were used. */
class Renumbering {
  readonly used: string[] = [];
  readonly #indexes = new Map<number, number>();
  readonly #names: NameTable;
  readonly #unit: number;

  constructor({ names, unit }: { names: NameTable; unit: number }) {
    this.#names = names;
    this.#unit = unit;
  }

  codeOf(code: number): number {
    const number = Math.floor(code / this.#unit);
    let index = this.#indexes.get(number);
    if (index === undefined) {
      index = this.used.push(this.#names.name(number)) - 1;
      this.#indexes.set(number, index);
    }
    return index * this.#unit + (code % this.#unit);
  }
}
