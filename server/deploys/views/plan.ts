import type { Plan } from "#deployer/machine/plan.ts";
import { BASIS_POINTS } from "#deployer/machine/strategy.ts";

/** What a plan will do, in order, one sentence each. */
export function sentencesOf(plan: Plan): string[] {
  const { workload, release, from, oldColour, newColour, count, migrations, stepsBp } = plan;
  const { kind, analyseMs, requestsMin, bakeMs, drainMs, warmUp } = plan.strategy;
  const tasks = `${count} ${count === 1 ? "task" : "tasks"}`;
  const replaced = from === null ? "nothing yet" : `${from} (${oldColour})`;
  const steps = stepsBp.map((bp) => `${(100 * bp) / BASIS_POINTS} %`).join(", ");
  const observed = `each observed for at least ${seconds(analyseMs)} and ${requestsMin} requests`;
  return [
    `${workload} serves ${replaced}; ${release} becomes ${newColour}, ${kind}.`,
    ...(migrations.expand ? [`The expand migration of ${release} runs.`] : []),
    `${tasks} of ${release} start, and each is verified.`,
    `Every edge node admits them${warmUp ? ", and they are warmed" : ""}.`,
    `Traffic moves in steps: ${steps}, ${observed}.`,
    `With all traffic, ${release} is observed for ${seconds(bakeMs)}${from === null ? "" : `, while ${from} is ready to take it back`}.`,
    ...(from === null
      ? []
      : [`Open requests of ${from} end within ${seconds(drainMs)}, then its tasks stop.`]),
    ...(migrations.contract
      ? [`The contract migration runs ${seconds(plan.strategy.contractAfterMs)} later.`]
      : []),
  ];
}

const seconds = (ms: number): string => (ms >= 120_000 ? `${ms / 60_000} min` : `${ms / 1_000} s`);
