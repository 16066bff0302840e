import type { LivePart, NameWindow } from "../live/live-part.ts";
import { Gauge } from "../sketches/gauge.ts";
import { keptCounts, OTHER } from "../sketches/heavy-hitters.ts";
import { CountTable } from "./count-table.ts";
import type { LiveSlots } from "./live-slots.ts";

/** Live increments of one measure, collected by slot and returned by dataset. */

/** Collects a count per second: `numbers` has one for each second of the delta. */
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

  /** The parts, by the index of their dataset. */
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
   * By the index of the dataset. Where codes contain names, their numbers in the table are replaced by indexes into the
   * part's own names.
   */
  take(slots: LiveSlots, named?: NamedCodes): LivePart[] {
    const { groups, keys, counts, size } = named
      ? limitCodes(this.#table, slots, named)
      : this.#table;
    const { datasetOf, secondOf } = slots;
    const ends = slots.datasets.map(() => 0);
    for (let entry = 0; entry < size; entry += 1) ends[datasetOf[groups[entry]!]!]! += 3;
    const triples = ends.map((length) => new Uint32Array(length));
    const renumberings = ends.map(() => named && new Renumbering(named));
    ends.fill(0);
    for (let entry = 0; entry < size; entry += 1) {
      const slot = groups[entry]!;
      const dataset = datasetOf[slot]!;
      const numbers = triples[dataset]!;
      const at = ends[dataset]!;
      numbers[at] = secondOf[slot]!;
      const code = keys[entry]!;
      numbers[at + 1] = renumberings[dataset]?.codeOf(code) ?? code;
      numbers[at + 2] = counts[entry]!;
      ends[dataset] = at + 3;
    }
    this.#table.clear();
    return triples.map((numbers, dataset) => {
      const names = renumberings[dataset]?.used;
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

  /** The parts, by the index of their dataset. */
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

/** Number of the name OTHER in codes: no name has it, because 0 is the number of rows without a name. */
const OTHER_NUMBER = 0;

/** Codes that contain a name: its number times `codesPerName`, plus a rest that is less than that. */
type NamedCodes = { nameOf(number: number): string; codesPerName: number; window: NameWindow };

/** Limits the names of each dataset and granule, so that frames stay small. */
function limitCodes(table: CountTable, slots: LiveSlots, named: NamedCodes): CountTable {
  const { codesPerName, window } = named;
  const { groups, keys, counts, size } = table;
  if (size <= window.namesMax) return table;
  const granules = new Map<string, number[]>();
  for (let entry = 0; entry < size; entry += 1) {
    const slot = groups[entry]!;
    const dataset = slots.datasetOf[slot]!;
    const second = slots.datasets[dataset]!.seconds[slots.secondOf[slot]!]!;
    const granule = `${dataset} ${Math.floor(second / window.granuleS)}`;
    const entries = granules.get(granule);
    if (entries) entries.push(entry);
    else granules.set(granule, [entry]);
  }
  const limited = new CountTable();
  for (const entries of granules.values()) {
    const numbers = entries.map((entry) => Math.floor(keys[entry]! / codesPerName));
    const kept = keptCounts(
      numbers,
      entries.map((entry) => counts[entry]!),
      window.namesMax,
    );
    for (const [i, entry] of entries.entries()) {
      const other = counts[entry]! - kept[i]!;
      const code = OTHER_NUMBER * codesPerName + (keys[entry]! % codesPerName);
      if (kept[i]! > 0) limited.add(groups[entry]!, keys[entry]!, kept[i]!);
      if (other > 0) limited.add(groups[entry]!, code, other);
    }
  }
  return limited;
}

/** Replaces the numbers of names by indexes into the names that were used. */
class Renumbering {
  readonly used: string[] = [];
  readonly #indexes = new Map<number, number>();
  readonly #named: NamedCodes;

  constructor(named: NamedCodes) {
    this.#named = named;
  }

  codeOf(code: number): number {
    const { codesPerName, nameOf } = this.#named;
    const number = Math.floor(code / codesPerName);
    let index = this.#indexes.get(number);
    if (index === undefined) {
      index = this.used.push(number === OTHER_NUMBER ? OTHER : nameOf(number)) - 1;
      this.#indexes.set(number, index);
    }
    return index * codesPerName + (code % codesPerName);
  }
}
