import type { ShownProblem } from "#dashboards/api.ts";
import type { OpenProblem } from "#platform/problems.ts";

import type { ProblemKind } from "./kinds.ts";

/** Its messages contain only what charts show too. */
const IN_CHARTS: ProblemKind = "missing_events";

/**
 * The problems as a member who may watch boards sees them. Messages name paths of files and quote lines, so they need
 * the right to see raw events; others see what the problems mean for the charts.
 */
export function visibleProblems(
  problems: readonly OpenProblem[],
  maySeeRaw: boolean,
): ShownProblem[] {
  if (maySeeRaw) {
    return problems.map(({ id, level, message, action, sinceMs }) => {
      return { id, level, message, action, sinceMs };
    });
  }
  const byText = Map.groupBy(problems, ({ kind, message, summary }) =>
    kind === IN_CHARTS ? message : summary,
  );
  return [...byText].map(([text, same]) => ({
    id: text,
    level: same.some(({ level }) => level === "error") ? "error" : "warning",
    message: text,
    action: null,
    sinceMs: Math.min(...same.map(({ sinceMs }) => sinceMs)),
  }));
}
