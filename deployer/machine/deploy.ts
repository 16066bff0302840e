import { z } from "zod";

import { Plan } from "./plan.ts";

/** In the order of a deploy without problems; then the way back; then the ends. `states.ts` describes each. */
export const STATES = [
  "queued",
  "waiting",
  "preflight",
  "expanding",
  "provisioning",
  "verifying",
  "admitting",
  "warming",
  "shifting",
  "analysing",
  "baking",
  "committing",
  "draining-old",
  "retiring-old",
  "contracting",
  "reverting",
  "draining-new",
  "retiring-new",
  "finishing",
  "held",
  "succeeded",
  "rolled-back",
  "failed",
  "aborted",
  "expired",
] as const;
export const State = z.enum(STATES);
export type State = z.infer<typeof State>;

const OUTCOMES = ["succeeded", "rolled-back", "failed", "aborted", "expired"] as const;
export const Outcome = z.enum(OUTCOMES);
export type Outcome = z.infer<typeof Outcome>;

const Ms = z.number();
const OptionalMs = Ms.nullable();

/** One line of the history of a deploy; `by`: a person, or null for the machine. */
const Step = z.object({
  atMs: Ms,
  state: State,
  step: z.number(),
  by: z.string().nullable(),
  reason: z.string(),
});

/** Times from which lead time, change failures and recovery are computed. */
const Times = z.object({
  startedMs: OptionalMs,
  firstTrafficMs: OptionalMs,
  fullTrafficMs: OptionalMs,
  failureMs: OptionalMs,
  recoveredMs: OptionalMs,
  doneMs: OptionalMs,
});

/** The move of a workload to a release, as it is persisted. */
export const Deploy = z.object({
  id: z.string(),
  workload: z.string(),
  /** Increases from one request to the next; the order of the queue. */
  place: z.number(),
  /** Incremented by every change. */
  version: z.number(),
  /** Idempotency-Key of the request. */
  requestKey: z.string().nullable(),
  train: z.string().nullable(),
  createdBy: z.string(),
  createdAtMs: Ms,
  plan: Plan,
  planHash: z.string(),
  /** Whether the request named the hash of its plan: another plan then needs a person. */
  planConfirmed: z.boolean(),
  state: State,
  /** Index into the steps of the plan. */
  step: z.number(),
  enteredAtMs: Ms,
  /** When all nodes had acknowledged the route of this state. */
  ackedAtMs: OptionalMs,
  /** A waiting deploy looks again at this time. */
  retryAtMs: OptionalMs,
  closedAtMs: OptionalMs,
  /** The state to which `resume` returns. */
  heldFrom: State.nullable(),
  paused: z.object({ by: z.string(), reason: z.string(), atMs: Ms }).nullable(),
  /** A person takes the responsibility for the wait or decision of this state. */
  forced: z.boolean(),
  /** How it ends, as soon as that is known. */
  outcome: Outcome.nullable(),
  /** Why it waits, is held or does not succeed, for people. */
  reason: z.string().nullable(),
  /** New tasks that died. */
  deaths: z.number(),
  /**
   * With another attempt, one-off work gets a new token and is run again: a migration after it failed, other work after a
   * person resumed the deploy.
   */
  attempt: z.number(),
  thinSinceMs: OptionalMs,
  darkSinceMs: OptionalMs,
  times: Times,
  history: z.array(Step),
});
export type Deploy = z.infer<typeof Deploy>;

/** Whether it moves its workload: it has left the queue and has not ended. */
export const isActive = ({ state, times }: Deploy): boolean =>
  state !== "queued" && times.doneMs === null;
