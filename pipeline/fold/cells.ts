import type { RollupCell } from "../rollup.ts";
import { CountTable } from "./count-table.ts";
import { limitNames } from "./limit-names.ts";
import { cellOf, type Span } from "./spans.ts";

/**
 * Counts of a measure by minute until they are taken as rollup cells. Hours are then merged from their minutes.
 */

/** Collects counts by span and key. */
export class KeyedCounts {
  readonly #counts = new CountTable();

  add(span: number, key: number, count: number): void {
    this.#counts.add(span, key, count);
  }

  take(spans: readonly Span[], measure: string, keyText: (key: number) => string): RollupCell[] {
    const counts = this.#counts;
    const minuteEntries = counts.size;
    for (let entry = 0; entry < minuteEntries; entry += 1) {
      const { hour } = spans[counts.groups[entry]!]!;
      if (hour) counts.add(hour.index, counts.keys[entry]!, counts.counts[entry]!);
    }
    const cells: RollupCell[] = [];
    for (let entry = 0; entry < counts.size; entry += 1) {
      const key = keyText(counts.keys[entry]!);
      const value = counts.counts[entry]!;
      cells.push(cellOf(spans[counts.groups[entry]!]!, { measure, key, value }));
    }
    counts.clear();
    return limitNames(cells, measure);
  }
}

/** One sum per span. */
export class Sums {
  #sums = new Float64Array(64);

  add(span: number, value: number): void {
    if (span >= this.#sums.length) this.#grow(span);
    this.#sums[span]! += value;
  }

  take(spans: readonly Span[], measure: string): RollupCell[] {
    for (const { index, hour } of spans) {
      const sum = this.#sums[index] ?? 0;
      if (hour && sum !== 0) this.add(hour.index, sum);
    }
    const cells = spans.flatMap((span) => {
      const value = this.#sums[span.index] ?? 0;
      return value === 0 ? [] : [cellOf(span, { measure, key: "", value })];
    });
    this.#sums.fill(0);
    return cells;
  }

  #grow(span: number): void {
    const grown = new Float64Array(Math.max(this.#sums.length * 2, span + 1));
    grown.set(this.#sums);
    this.#sums = grown;
  }
}

interface Sketch {
  merge(other: this): void;
  toBytes(): Uint8Array;
}

/** One sketch per span. */
export class Sketches<S extends Sketch> {
  #sketches: (S | undefined)[] = [];
  readonly #open: () => S;

  constructor(open: () => S) {
    this.#open = open;
  }

  at(span: number): S {
    return (this.#sketches[span] ??= this.#open());
  }

  take(spans: readonly Span[], measure: string): RollupCell[] {
    for (const { index, hour } of spans) {
      const sketch = this.#sketches[index];
      if (hour && sketch) this.at(hour.index).merge(sketch);
    }
    const cells = spans.flatMap((span) => {
      const sketch = this.#sketches[span.index]?.toBytes();
      return sketch ? [cellOf(span, { measure, key: "", value: 0, sketch })] : [];
    });
    this.#sketches = [];
    return cells;
  }
}
