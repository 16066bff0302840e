import { z } from "zod";

import type { Deploy } from "./deploy.ts";
import { RULES } from "./states.ts";

/** Several workloads that are released together, in an order. */
export const Train = z
  .object({
    id: z.string(),
    version: z.number(),
    name: z.string().min(1).max(200),
    createdBy: z.string(),
    createdAtMs: z.number(),
    cars: z
      .array(
        z.object({
          workload: z.string(),
          /** The id of its deploy, which is queued when the cars in `after` have succeeded. */
          deploy: z.string(),
          /** Workloads of this train. */
          after: z.array(z.string()),
        }),
      )
      .min(1)
      .max(100),
  })
  .superRefine(({ cars }, context) => {
    for (const [index, message] of problemsOf(cars)) {
      context.addIssue({ code: "custom", path: ["cars", index, "after"], message });
    }
  });
export type Train = z.infer<typeof Train>;
type Car = Pick<Train["cars"][number], "workload" | "after">;

function problemsOf(cars: readonly Car[]): [number, string][] {
  const names = cars.map(({ workload }) => workload);
  const problems: [number, string][] = [];
  cars.forEach(({ workload, after }, index) => {
    if (names.indexOf(workload) !== index) problems.push([index, `${workload} is listed twice`]);
    const unknown = after.find((name) => !names.includes(name));
    if (unknown !== undefined) problems.push([index, `${unknown} is not in this train`]);
  });
  if (problems.length > 0) return problems;
  const done = new Set<string>();
  for (let size = -1; size !== done.size;) {
    size = done.size;
    for (const { workload, after } of cars) {
      if (after.every((name) => done.has(name))) done.add(workload);
    }
  }
  return cars.flatMap(({ workload, after }, index): [number, string][] =>
    done.has(workload) ? [] : [[index, `${workload} waits for itself through ${after.join(", ")}`]],
  );
}

/**
 * What becomes of a deploy of a train that waits for its turn: it may start, must wait, or will never start because
 * one before it did not succeed.
 */
export function signalOf(
  train: Train,
  deploy: Deploy,
  deploys: ReadonlyMap<string, Deploy>,
): { signal: "go" } | { signal: "wait" | "cancel"; reason: string } {
  const car = train.cars.find((it) => it.deploy === deploy.id);
  for (const name of car?.after ?? []) {
    const before = deploys.get(train.cars.find((it) => it.workload === name)?.deploy ?? "");
    if (before?.state === "succeeded") continue;
    const isOver = before === undefined || RULES[before.state].isTerminal;
    const reason = isOver
      ? `${name}, which comes before it in the train ${train.name}, did not succeed.`
      : `${name} comes before it in the train ${train.name}.`;
    return { signal: isOver ? "cancel" : "wait", reason };
  }
  return { signal: "go" };
}
