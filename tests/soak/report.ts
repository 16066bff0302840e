import type { SoakReport } from "./soak.ts";

/** Limits on what a person notices. */
export type SoakLimits = { boardMs: number; stopMs: number; reportMs: number };

/** The promises that were broken; empty if there are none. */
export function brokenPromises(report: SoakReport, limits: SoakLimits): string[] {
  const { boards, searches, stop } = report;
  const late = report.faults.filter(
    ({ reportedMs }) => reportedMs !== undefined && (reportedMs ?? Infinity) > limits.reportMs,
  );
  const checks: [boolean, string][] = [
    [report.lost > 0, `${report.lost} lines were lost`],
    [report.doubled > 0, `${report.doubled} lines were stored twice`],
    [report.quarantined > 0, `${report.quarantined} lines were quarantined`],
    [
      report.requests < report.stored || report.requests > report.lines,
      `rollups count ${report.requests} requests of ${report.stored} stored lines`,
    ],
    [
      boards.failures.length > 0,
      `boards failed: ${[...boards.failures, ...report.failedRequests].join("\n")}`,
    ],
    [
      boards.slowest.ms > limits.boardMs,
      `a board took ${boards.slowest.ms} ms (during ${boards.slowest.at})`,
    ],
    [searches.unanswered > 0, `${searches.unanswered} searches were not answered`],
    [stop.statuses.some((status) => status !== 0), `exit statuses ${stop.statuses.join(", ")}`],
    [stop.ms > limits.stopMs, `stopping took ${stop.ms} ms`],
    [report.logErrors.length > 0, `errors in the logs: ${report.logErrors.slice(0, 5).join("\n")}`],
  ];
  const broken = checks.filter(([isBroken]) => isBroken).map(([, message]) => message);
  return [
    ...broken,
    ...late.map(({ name, detail, reportedMs }) =>
      reportedMs === null
        ? `not reported: ${name} ${detail}`
        : `reported after ${reportedMs} ms: ${name} ${detail}`,
    ),
  ];
}

export function reportText(report: SoakReport): string {
  const names = [...new Set(report.faults.map(({ name }) => name))].toSorted();
  const rows = names.map((name) => {
    const faults = report.faults.filter((fault) => fault.name === name);
    const times = faults.flatMap(({ reportedMs }) => reportedMs ?? []);
    const slowest = times.length === 0 ? "" : `, reported within ${Math.max(...times)} ms`;
    return `  ${name}: ${faults.length}${slowest}`;
  });
  const { boards, searches, stop } = report;
  return [
    "faults",
    ...rows,
    ...report.impossible.map((name) => `  ${name}: not possible on this machine`),
    `lines ${report.lines}, stored ${report.stored}, in damaged files ${report.inDamagedFiles}`,
    `lost ${report.lost}, doubled ${report.doubled}, quarantined ${report.quarantined}`,
    `requests by the rollups ${report.requests}`,
    `boards ${boards.count}, slowest ${boards.slowest.ms} ms during ${boards.slowest.at}, refused for lack of open files ${boards.refusals}`,
    `searches ${JSON.stringify(searches.counts)}, slowest ${searches.slowestMs} ms`,
    `stopped in ${stop.ms} ms`,
  ].join("\n");
}
