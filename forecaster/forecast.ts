/** A regular series: values at tMs = startMs + i · stepMs; null where nothing was measured. */
export type Series = { startMs: number; stepMs: number; values: readonly (number | null)[] };

export type ForecastRequest = {
  series: Series;
  /** How many steps ahead. */
  horizon: number;
  /** Seasons in steps, shortest first, such as a day and a week. Those that the history is too short for are left out. */
  seasonalities: readonly number[];
  /** Nominal coverage of the intervals in percent, such as 80 and 95. */
  levels: readonly number[];
};

export type Interval = { level: number; lower: number[]; upper: number[] };

/** What a model expects of the `horizon` steps after the series' last. Arrays are `horizon` long. */
export type Forecast = {
  model: string;
  startMs: number;
  stepMs: number;
  mean: number[];
  /** One for each level asked for, narrowest first, each inside the next. */
  intervals: Interval[];
  /** The sum over the horizon, such as "sign-ins in the next 30 minutes". */
  sum: { mean: number; intervals: { level: number; lower: number; upper: number }[] };
  /** Measured on the series itself, at origins inside it, before the intervals were widened by it. */
  score: ForecastScore;
};

export type ForecastScore = {
  /** Forecast origins that were replayed. */
  origins: number;
  /** Mean absolute scaled error against the same time one season earlier; below 1 is better than that. */
  mase: number | null;
  /** Share of the truth that fell into each interval. */
  coverage: { level: number; ratio: number }[];
};

export type ForecastAnswer =
  | { status: "ready"; forecast: Forecast }
  /** Not enough history: says what is missing, in words for a person. */
  | { status: "learning"; reason: string };

/** The forecaster's whole interface: pure, takes milliseconds, never throws on odd values. */
export type Forecaster = (request: ForecastRequest) => ForecastAnswer;
