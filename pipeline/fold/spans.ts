import type { RollupCell, RollupLevelS } from "../rollup.ts";

const MINUTE_S = 60;
const HOUR_S = 3600;
const DATASETS_MAX = 2 ** 20;

/** A minute or an hour of one dataset. */
export type Span = {
  index: number;
  levelS: RollupLevelS;
  /** Start, epoch seconds. */
  t: number;
  dataset: string;
  /** The hour of a minute; undefined for an hour. */
  hour: Span | undefined;
};

/** The minutes and hours of the folded rows, numbered. */
export class Spans {
  all: Span[] = [];
  readonly #minutes = new Map<number, Span>();
  readonly #hours = new Map<number, Span>();
  readonly #datasetName: (dataset: number) => string;
  /** The minute of the previous row, which the next row nearly always shares. */
  #last: Span | undefined;
  #lastDataset = -1;

  constructor(datasetName: (dataset: number) => string) {
    this.#datasetName = datasetName;
  }

  /** The minute of a second; `dataset` is its number in the batch. */
  minuteOf(second: number, dataset: number): Span {
    const t = Math.floor(second / MINUTE_S) * MINUTE_S;
    const last = this.#last;
    if (last && last.t === t && this.#lastDataset === dataset) return last;
    this.#lastDataset = dataset;
    const key = t * DATASETS_MAX + dataset;
    return (this.#last = this.#minutes.get(key) ?? this.#newMinute(key, t, dataset));
  }

  clear(): void {
    this.all = [];
    this.#minutes.clear();
    this.#hours.clear();
    this.#last = undefined;
    this.#lastDataset = -1;
  }

  #newMinute(key: number, t: number, dataset: number): Span {
    const hourT = Math.floor(t / HOUR_S) * HOUR_S;
    const hourKey = hourT * DATASETS_MAX + dataset;
    let hour = this.#hours.get(hourKey);
    if (!hour) {
      hour = this.#newSpan({ levelS: HOUR_S, t: hourT, dataset: this.#datasetName(dataset) });
      this.#hours.set(hourKey, hour);
    }
    const minute = this.#newSpan({ levelS: MINUTE_S, t, dataset: hour.dataset, hour });
    this.#minutes.set(key, minute);
    return minute;
  }

  #newSpan({ levelS, t, dataset, hour }: Omit<Span, "index" | "hour"> & { hour?: Span }): Span {
    const span: Span = { index: this.all.length, levelS, t, dataset, hour };
    this.all.push(span);
    return span;
  }
}

export function cellOf(
  { levelS, t, dataset }: Span,
  content: Pick<RollupCell, "measure" | "key" | "value" | "sketch">,
): RollupCell {
  return { levelS, t, dataset, ...content };
}
