import type { Accumulator, MeasuredMetric } from "../measures/measure.ts";
import { OTHER } from "../sketches/heavy-hitters.ts";

/** Counts of a time range: one accumulator per measure of a metric, in their order. */
export type Counted = readonly Accumulator[];
type Series = { total: Counted | undefined; points: Map<number, Counted> };

/** Counts of a metric, by series and by the start of the step. Without a split the key is null. */
export class SeriesTable {
  /**
   * The maximum by which counts of names are too small because answers had only the most frequent names; OTHER is not
   * included.
   */
  shortfallMax = 0;
  /** About the number of names, if answers did not have all of them. */
  namesAbout = 0;
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

  /** The largest series, in descending order, and then that of the names that were not counted separately. */
  largest(
    limit: number,
  ): { key: string | null; total: Counted; points: ReadonlyMap<number, Counted> }[] {
    const all = [...this.#series].map(([key, { total, points }]) => {
      const sum = total ?? this.#merged(points);
      return { key, total: sum, points, size: Math.max(...sum.map(({ size }) => size)) };
    });
    all.sort((a, b) => b.size - a.size || String(a.key).localeCompare(String(b.key)));
    const counted = all.filter(({ key, size }) => key === null || size > 0);
    const named = counted.filter(({ key }) => key !== OTHER);
    return [...named.slice(0, limit), ...counted.filter(({ key }) => key === OTHER)];
  }

  /** The number of series with a count, without OTHER. */
  get names(): number {
    return [...this.#series.keys()].filter(
      (key) => key !== OTHER && (key === null || this.sizeOf(key) > 0),
    ).length;
  }

  /** The size of a series; 0 if there is none. */
  sizeOf(key: string | null): number {
    const series = this.#series.get(key);
    if (!series) return 0;
    const counted = series.total ?? this.#merged(series.points);
    return Math.max(...counted.map(({ size }) => size));
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
