import type { BenchResult } from "./deploy-bench.ts";
import type { RollBack } from "./deploy-roll-back.ts";

const P99 = 0.99;

/** For people; the last line is for scripts. */
export function reportOf(result: BenchResult): string {
  const { load, deploys, outcomes, rollBacks, deployS, chaos, controllerKills, seconds, options } =
    result;
  const rollBackMs = rollBacks.map(({ ms }) => ms);
  const lines = [
    `edge ${options.edge}${options.against === undefined ? "" : ` against ${options.against}`}, seed ${options.seed}, ${options.clients} clients, ${seconds.toFixed(0)} s, ${(load.requests / seconds).toFixed(0)} requests/s`,
    `outcomes: ${listed(outcomes)}`,
    `killed and reloaded: ${listed({ ...chaos, controller: controllerKills })}`,
    `failed: ${listed(load.failed)}`,
    ...load.examples.map((example) => `  ${example}`),
    `latency p50 ${load.p50Ms.toFixed(1)} ms, p99 ${load.p99Ms.toFixed(1)} ms, max ${load.maxMs.toFixed(0)} ms`,
    `a deploy took ${quantile(deployS, 0.5).toFixed(1)} s (median), ${quantile(deployS, P99).toFixed(1)} s (p99)`,
    ...rollBackLines(rollBacks),
    `failed ${failuresOf(result)} of ${load.requests} requests over ${deploys} deploys, roll-back p99 ${quantile(rollBackMs, P99).toFixed(0)} ms`,
  ];
  return lines.join("\n");
}

export const failuresOf = ({ load }: Pick<BenchResult, "load">): number =>
  Object.values(load.failed).reduce((sum, count) => sum + count, 0);

/** Where the time of roll-backs went. */
function rollBackLines(rollBacks: readonly RollBack[]): string[] {
  const of = (part: "decidedMs" | "sentMs" | "appliedMs" | "confirmedMs"): string => {
    const values = rollBacks.map((it) => it[part]);
    return `${quantile(values, 0.5).toFixed(0)} (${Math.max(...values).toFixed(0)})`;
  };
  return [
    `${rollBacks.length} roll-backs, ms, median (max): decided ${of("decidedMs")} after the command, sent to all nodes ${of("sentMs")} later, taken by all ${of("appliedMs")} later; confirmed ${of("confirmedMs")} after the decision`,
    ...rollBacks.map(
      ({ from, ms, decidedMs, sentMs, appliedMs, confirmedMs }) =>
        `  from ${from}: ${ms.toFixed(0)} ms = ${sentMs} + ${appliedMs.toFixed(0)}; decided after ${decidedMs}, confirmed ${confirmedMs.toFixed(0)}`,
    ),
  ];
}

const listed = (counts: Record<string, number>): string =>
  Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(", ");

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
