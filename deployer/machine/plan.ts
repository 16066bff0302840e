import { createHash } from "node:crypto";

import { z } from "zod";

import { otherColour } from "../drivers.ts";
import { Strategy, stepsOf } from "./strategy.ts";
import { Colour, type Workload } from "./workload.ts";

/** What a person or a pipeline asks for. */
export const DeployRequest = z.object({
  workload: z.string().min(1).max(100),
  release: z.string().min(1).max(200),
  strategy: Strategy,
  /** Tasks of the new release; at least as many as the forecast peak needs. */
  count: z.int().min(1).max(1_000),
  /** Requests per second that one task can take; undefined if it was never measured. */
  taskRps: z.number().positive().optional(),
  /** Migrations that belong to the release. */
  migrations: z.object({ expand: z.boolean(), contract: z.boolean() }),
});
export type DeployRequest = z.infer<typeof DeployRequest>;

/** Everything that a deploy will do, decided before it starts. */
export const Plan = z.object({
  ...DeployRequest.shape,
  from: z.string().nullable(),
  oldColour: Colour,
  newColour: Colour,
  /** The share of the new colour after each step, in basis points. */
  stepsBp: z.array(z.number()),
});
export type Plan = z.infer<typeof Plan>;

/** Changes nothing: a dry run is this and no more. */
export function planDeploy(workload: Workload, request: DeployRequest): Plan {
  const { release, strategy, count, taskRps, migrations } = request;
  return {
    workload: workload.name,
    release,
    strategy,
    count,
    ...(taskRps === undefined ? {} : { taskRps }),
    migrations,
    from: workload.releases[workload.live],
    oldColour: workload.live,
    newColour: otherColour(workload.live),
    stepsBp: stepsOf(strategy, workload.releases[workload.live] === null),
  };
}

/**
 * The hash that `deploy --plan-hash` names, so that what starts is what was reviewed. Two plans with the same hash do
 * the same.
 */
export const hashPlan = (plan: Plan): string =>
  createHash("sha256").update(canonicalJson(plan)).digest("hex").slice(0, 16);

/** JSON with sorted keys: a plan that was stored and read again has the same hash. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    isPlainObject(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

const isPlainObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What differs between two plans, for people: `from: r1 → r2`. */
export function comparePlans(before: Plan, after: Plan): string[] {
  const fields = Plan.keyof().options;
  return fields.flatMap((field) => {
    const [was, is] = [canonicalJson(before[field] ?? null), canonicalJson(after[field] ?? null)];
    return was === is ? [] : [`${field}: ${was} → ${is}`];
  });
}
