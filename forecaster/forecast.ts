/** A regular series: values at tMs = startMs + i · stepMs; null where nothing was measured. */
export type Series = { startMs: number; stepMs: number; values: readonly (number | null)[] };

export type ForecastRequest = {
  series: Series;
  /** Number of steps to forecast. */
  horizon: number;
  /**
   * Season lengths in steps, shortest first, e.g. a day and a week. A season longer than the history allows is not
   * used.
   */
  seasonalities: readonly number[];
  /** Nominal coverage of the intervals in percent, e.g. 80 and 95. */
  levels: readonly number[];
};

export type Interval = { level: number; lower: number[]; upper: number[] };

/** The forecast of the `horizon` steps after the end of the series. Arrays have one entry per step. */
export type Forecast = {
  model: string;
  startMs: number;
  stepMs: number;
  mean: number[];
  /** One for each requested level, narrowest first, each inside the next. */
  intervals: Interval[];
  /** The total over the horizon, e.g. the sign-ins of the next 30 minutes. */
  sum: { mean: number; intervals: { level: number; lower: number; upper: number }[] };
  /** Measured by a backtest on the series itself, before the intervals were widened by its result. */
  score: ForecastScore;
};

export type ForecastScore = {
  /** Number of forecast origins in the backtest. */
  origins: number;
  /** Mean absolute scaled error: below 1 is better than repeating the previous season. */
  mase: number | null;
  /** Share of the actual values inside each interval. */
  coverage: { level: number; ratio: number }[];
};

export type ForecastAnswer =
  | { status: "ready"; forecast: Forecast }
  /** Not enough history; `reason` is shown to users. */
  | { status: "learning"; reason: string };

/** A pure function that takes milliseconds and never throws, whatever the values are. */
export type Forecaster = (request: ForecastRequest) => ForecastAnswer;
