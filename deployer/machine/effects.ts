import { z } from "zod";

import type { OneOff } from "../drivers.ts";
import type { Deploy } from "./deploy.ts";
import { Colour, colours, Route } from "./workload.ts";

const Slots = z
  .array(z.object({ address: z.string().nullable(), state: z.enum(["maint", "drain", "ready"]) }))
  .readonly();

/** What the machine asks for. Each may be sent again: it states what shall be, not what shall change. */
export const Effect = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("edge.apply"),
    node: z.string(),
    config: z.object({
      version: z.number(),
      route: Route,
      releases: colours(z.string().nullable()),
      slots: colours(Slots),
    }),
  }),
  z.object({
    kind: z.literal("edge.close"),
    node: z.string(),
    colour: Colour,
    overMs: z.number(),
  }),
  z.object({
    kind: z.literal("fleet.ensure"),
    colour: Colour,
    release: z.string(),
    count: z.number(),
  }),
  z.object({
    kind: z.literal("one-off.run"),
    token: z.string(),
    work: z.object({
      kind: z.enum(["expand", "contract", "verify", "warm-up", "announce"]),
      workload: z.string(),
      deploy: z.string(),
      release: z.string(),
      colour: Colour,
    }),
  }),
]);
export type Effect = z.infer<typeof Effect>;

/** One request at a time is sent to each target. */
export function targetOf(effect: Effect): string {
  if (effect.kind === "fleet.ensure") return "fleet";
  return effect.kind === "one-off.run" ? "one-off" : `node:${effect.node}`;
}

type OneOffKind = OneOff["kind"];

/** The one-off work of a state. */
const WORK: Readonly<Partial<Record<Deploy["state"], OneOffKind>>> = {
  expanding: "expand",
  verifying: "verify",
  warming: "warm-up",
  contracting: "contract",
  finishing: "announce",
};

/** Whether the work of the state is a migration, which must not run twice at once. */
export const isMigrating = (state: Deploy["state"]): boolean =>
  WORK[state] === "expand" || WORK[state] === "contract";

/** The one-off work of the deploy's state, if it has any. The same token always means the same run. */
export function oneOffOf(deploy: Deploy): { token: string; work: OneOff } | undefined {
  const kind = WORK[deploy.state];
  if (kind === undefined) return undefined;
  const { id, workload, plan, attempt } = deploy;
  const work = { kind, workload, deploy: id, release: plan.release, colour: plan.newColour };
  return { token: `${id}:${kind}:${attempt}`, work };
}

/** Since when both colours are counted for the deploy's state; undefined if it needs no measurements. */
export function measuredFrom(deploy: Deploy): number | undefined {
  if (deploy.state === "analysing") return deploy.enteredAtMs;
  // With all traffic on the new colour, the old one is known from before.
  if (deploy.state === "baking") return deploy.times.startedMs ?? deploy.enteredAtMs;
  return deploy.state === "finishing" || deploy.state === "queued" ? undefined : deploy.enteredAtMs;
}
