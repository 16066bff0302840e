import type { ShownProblem } from "#dashboards/api.ts";
import type { OpenProblem } from "#platform/problems.ts";

/**
 * The problems as a member sees them. Messages name paths of files and quote lines, so they need the right to see raw
 * events; others see what the problems mean for the charts.
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
  const bySummary = Map.groupBy(problems, ({ summary }) => summary);
  return [...bySummary].map(([summary, same]) => ({
    id: summary,
    level: same.some(({ level }) => level === "error") ? "error" : "warning",
    message: summary,
    action: null,
    sinceMs: Math.min(...same.map(({ sinceMs }) => sinceMs)),
  }));
}
