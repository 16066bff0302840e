import type { Accumulator, MeasuredMetric } from "../measures/measure.ts";

/** Counts of a time range: one accumulator per measure of a metric, in their order. */
export type Counted = readonly Accumulator[];
type Series = { total: Counted | undefined; points: Map<number, Counted> };

/** Counts of a metric, by series and by the start of the step. Without a split the key is null. */
export class SeriesTable {
  readonly #of: MeasuredMetric["of"];
  readonly #series = new Map<string | null, Series>();

  constructor({ of }: Pick<MeasuredMetric, "of">) {
    this.#of = of;
  }

  /** Adds a series even if nothing is counted. */
  open(key: string | null): void {
    this.#get(key);
  }

  /** The counts of a point, to be added to. */
  at(key: string | null, tMs: number): Counted {
    const { points } = this.#get(key);
    let counted = points.get(tMs);
    if (!counted) points.set(tMs, (counted = this.#zero()));
    return counted;
  }

  /** The counts of the whole range, if they are not the sum of the points. */
  total(key: string | null): Counted {
    const series = this.#get(key);
    return (series.total ??= this.#zero());
  }

  /** The largest series, in descending order. */
  largest(
    limit: number,
  ): { key: string | null; total: Counted; points: ReadonlyMap<number, Counted> }[] {
    const all = [...this.#series].map(([key, { total, points }]) => {
      const counted = total ?? this.#merged(points);
      return { key, total: counted, points, size: Math.max(...counted.map(({ size }) => size)) };
    });
    all.sort((a, b) => b.size - a.size || String(a.key).localeCompare(String(b.key)));
    return all.filter(({ key, size }) => key === null || size > 0).slice(0, limit);
  }

  #get(key: string | null): Series {
    let series = this.#series.get(key);
    if (!series) this.#series.set(key, (series = { total: undefined, points: new Map() }));
    return series;
  }

  #zero(): Counted {
    return this.#of.map((measure) => measure.open());
  }

  #merged(points: ReadonlyMap<number, Counted>): Counted {
    const [only] = points.values();
    if (only && points.size === 1) return only;
    const total = this.#zero();
    for (const counted of points.values()) mergeCounted(total, counted);
    return total;
  }
}

export function mergeCounted(into: Counted, from: Counted): void {
  for (const [i, accumulator] of into.entries()) {
    const other = from[i];
    if (other) accumulator.merge(other);
  }
}
