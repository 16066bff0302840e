import { Measures } from "./measures.ts";

type Counted = { total: Measures | undefined; points: Map<number, Measures> };

/** What was counted, by series and by the start of the step. The series of no split has the key null. */
export class SeriesTable {
  readonly #series = new Map<string | null, Counted>();

  /** Makes sure that there is such a series, even if nothing is counted. */
  open(key: string | null): void {
    this.#counted(key);
  }

  /** The measures of a point, to add to. */
  at(key: string | null, tMs: number): Measures {
    const { points } = this.#counted(key);
    let measures = points.get(tMs);
    if (!measures) points.set(tMs, (measures = new Measures()));
    return measures;
  }

  /** The measures of the whole range, where they are not what the points make together. */
  total(key: string | null): Measures {
    const counted = this.#counted(key);
    return (counted.total ??= new Measures());
  }

  /** The heaviest series first, and at most so many. */
  heaviest(
    limit: number,
  ): { key: string | null; total: Measures; points: Map<number, Measures> }[] {
    const all = [...this.#series].map(([key, { total, points }]) => ({
      key,
      total: total ?? mergedPoints(points),
      points,
    }));
    const weighed = all.map((series) => ({ ...series, weight: series.total.weight() }));
    weighed.sort((a, b) => b.weight - a.weight || String(a.key).localeCompare(String(b.key)));
    return weighed.filter(({ key, weight }) => key === null || weight > 0).slice(0, limit);
  }

  #counted(key: string | null): Counted {
    let counted = this.#series.get(key);
    if (!counted) this.#series.set(key, (counted = { total: undefined, points: new Map() }));
    return counted;
  }
}

function mergedPoints(points: ReadonlyMap<number, Measures>): Measures {
  const [only] = points.values();
  if (only && points.size === 1) return only;
  const total = new Measures();
  for (const measures of points.values()) total.merge(measures);
  return total;
}
