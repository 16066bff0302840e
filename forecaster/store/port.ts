import type { ForecastIssue } from "../issue.ts";
import type { SeriesKey } from "../predicted-series.ts";

/**
 * Which issue: of one series with one step, by when it was issued and how many steps it reaches. Forecasts that reach
 * differently far differ, as their sums do.
 */
export type IssueKey = { series: SeriesKey; stepMs: number; issuedMs: number; horizon: number };

export type AsOfRequest = {
  series: SeriesKey;
  stepMs: number;
  /** The steps that start in [fromMs, toMs). */
  fromMs: number;
  toMs: number;
  /** Issues after this instant are left out. */
  asOfMs: number;
};

/**
 * Keeps the forecasts that were issued. A forecast can be computed again from its history, so that one that is lost in
 * a crash costs time and nothing else.
 */
export type ForecastStore = AsyncDisposable & {
  /** Takes the place of an earlier issue with the same key. */
  save(issue: ForecastIssue): Promise<void>;
  find(key: IssueKey): Promise<ForecastIssue | undefined>;
  /**
   * What was predicted as of a time: the issues from which the steps of the range are to be taken, oldest first, each
   * step from the last one that covers it.
   */
  asOf(request: AsOfRequest): Promise<ForecastIssue[]>;
};

export function keyOfIssue({ series, forecast }: ForecastIssue): IssueKey {
  const { stepMs, startMs, mean } = forecast;
  return { series, stepMs, issuedMs: startMs, horizon: mean.length };
}
