import { ceilTo } from "#pipeline/metrics/planner.ts";

import type { ForecastIssue } from "../issue.ts";
import type { AsOfRequest } from "./port.ts";

/** Implements `ForecastStore.asOf` for the issues of one series and step. */
export function coveringIssues(
  issues: Iterable<ForecastIssue>,
  { stepMs, fromMs, toMs, asOfMs }: AsOfRequest,
): ForecastIssue[] {
  const candidates = [...issues]
    .filter(({ forecast }) => forecast.stepMs === stepMs && forecast.startMs <= asOfMs)
    .toSorted(
      ({ forecast: a }, { forecast: b }) => b.startMs - a.startMs || b.mean.length - a.mean.length,
    );
  const missing = new Set<number>();
  for (let tMs = ceilTo(fromMs, stepMs); tMs < toMs; tMs += stepMs) missing.add(tMs);
  const needed: ForecastIssue[] = [];
  for (const issue of candidates) {
    if (missing.size === 0) break;
    const { startMs, mean } = issue.forecast;
    const covered = mean.map((_, i) => startMs + i * stepMs).filter((tMs) => missing.delete(tMs));
    if (covered.length > 0) needed.push(issue);
  }
  return needed.toReversed();
}
