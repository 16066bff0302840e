import type { ForecastIssue } from "../issue.ts";
import type { SeriesKey } from "../predicted-series.ts";

/**
 * Identifies an issue. `horizon` (in steps) is part of the key because forecasts with different horizons have different
 * sums.
 */
export type IssueKey = { series: SeriesKey; stepMs: number; issuedMs: number; horizon: number };

export type AsOfRequest = {
  series: SeriesKey;
  stepMs: number;
  /** Steps that start in [fromMs, toMs). */
  fromMs: number;
  toMs: number;
  /** Issues after this time are ignored. */
  asOfMs: number;
};

/**
 * Stores issued forecasts. Losing one in a crash is harmless: it can be computed again from its history.
 */
export type ForecastStore = AsyncDisposable & {
  /** Replaces an earlier issue with the same key. */
  save(issue: ForecastIssue): Promise<void>;
  find(key: IssueKey): Promise<ForecastIssue | undefined>;
  /**
   * The issues that cover the range as of a time, oldest first; each step is to be taken from the last issue that
   * covers it.
   */
  asOf(request: AsOfRequest): Promise<ForecastIssue[]>;
};

export function keyOfIssue({ series, forecast }: ForecastIssue): IssueKey {
  const { stepMs, startMs, mean } = forecast;
  return { series, stepMs, issuedMs: startMs, horizon: mean.length };
}
