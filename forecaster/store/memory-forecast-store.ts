import type { ForecastIssue } from "../issue.ts";
import { coveringIssues } from "./covering-issues.ts";
import { type ForecastStore, type IssueKey, keyOfIssue } from "./port.ts";

const ISSUES_MAX = 500;

/** Keeps the last ISSUES_MAX saved issues in memory. */
export function openMemoryForecastStore(): ForecastStore {
  const issues = new Map<string, ForecastIssue>();
  return {
    save: async (issue) => {
      issues.set(keyOf(keyOfIssue(issue)), issue);
      const oldest = issues.keys().next();
      if (issues.size > ISSUES_MAX && !oldest.done) issues.delete(oldest.value);
    },
    find: async (key) => issues.get(keyOf(key)),
    asOf: async (request) => {
      const { dataset, count } = request.series;
      const ofSeries = [...issues.values()].filter(
        ({ series }) => series.dataset === dataset && series.count === count,
      );
      return coveringIssues(ofSeries, request);
    },
    [Symbol.asyncDispose]: async () => issues.clear(),
  };
}

const keyOf = ({ series, stepMs, issuedMs, horizon }: IssueKey): string =>
  JSON.stringify([series.dataset, series.count, stepMs, issuedMs, horizon]);
