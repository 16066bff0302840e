import { z } from "zod";

import { COLOURS, type EdgeConfig, type OneOff } from "../drivers.ts";
import type { Deploy } from "./deploy.ts";

const Colour = z.enum(COLOURS);

/** What the machine asks for. Each may be sent again: it states what shall be, not what shall change. */
export type Effect =
  | { kind: "edge.apply"; node: string; config: EdgeConfig }
  | { kind: "edge.close"; node: string; colour: z.infer<typeof Colour>; overMs: number }
  | { kind: "fleet.ensure"; colour: z.infer<typeof Colour>; release: string; count: number }
  | { kind: "one-off.run"; token: string; work: OneOff };

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
