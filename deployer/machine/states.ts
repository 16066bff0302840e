import type { Deploy, State } from "./deploy.ts";
import type { Limits } from "./limits.ts";
import { BASIS_POINTS, type Strategy } from "./strategy.ts";

/** What a state wants of the slots of a colour: with traffic allowed, without new requests, or empty. */
export type Place = "in" | "drain" | "out";

/** Where the requests go: as before the deploy, to the share of the step, or all to one colour. */
type Share = "live" | "old" | "step" | "new";

type StateRules = {
  /** For people: what happens in this state. */
  label: string;
  share: Share;
  old: Place;
  new: Place;
  /** What the fleet is asked for: nothing, the new tasks, or the end of a colour. */
  tasks: "none" | "start-new" | "stop-old" | "stop-new";
  /** How long the state may take, in ms, and what happens then. Without a limit it ends only by its condition. */
  msMax?: (limits: Limits, strategy: Strategy) => number;
  late?: "hold" | "go-back" | "advance" | "wait" | "expire";
  /** `undo`: nothing has reached users yet. */
  wayBack: "none" | "undo" | "revert";
  /** Whether failures of the new tasks end the deploy. */
  watchesNew: boolean;
  isTerminal: boolean;
};

const drainMsMax = (limits: Limits, { drainMs }: Strategy): number =>
  drainMs + limits.closeOverMs + limits.drainSlackMs;

const before = {
  share: "live",
  old: "in",
  new: "out",
  tasks: "none",
  wayBack: "undo",
  watchesNew: false,
  isTerminal: false,
} as const;
const starting = {
  ...before,
  share: "old",
  tasks: "start-new",
  watchesNew: true,
  late: "go-back",
} as const;
const serving = {
  ...starting,
  share: "step",
  new: "in",
  wayBack: "revert",
  late: "hold",
} as const;
const leaving = { ...before, old: "out", new: "in", wayBack: "none", late: "hold" } as const;
const returning = { ...before, new: "drain", share: "old", wayBack: "none", late: "hold" } as const;
const ended = { ...before, wayBack: "none", isTerminal: true } as const;

/**
 * All states as data. What a state wants is compared with what is observed at every look, and only the difference is
 * sent, so that a state can be entered, repeated and resumed at any point. `exits.ts` has the conditions that end it.
 */
export const RULES: Readonly<Record<State, StateRules>> = {
  queued: {
    ...before,
    label: "waits for its turn",
    msMax: (limits) => limits.waitMsMax,
    late: "expire",
  },
  waiting: { ...before, label: "waits", msMax: (limits) => limits.waitMsMax, late: "expire" },
  preflight: {
    ...before,
    label: "checks nodes, capacity and free slots",
    msMax: (limits) => limits.preflightMsMax,
    late: "wait",
  },
  expanding: {
    ...before,
    label: "runs the expand migration",
    msMax: (limits) => limits.migrationMsMax,
    late: "go-back",
  },
  provisioning: {
    ...starting,
    label: "starts the new tasks",
    msMax: (limits) => limits.provisionMsMax,
  },
  verifying: {
    ...starting,
    label: "verifies the new tasks",
    msMax: (limits) => limits.verifyMsMax,
  },
  admitting: {
    ...starting,
    label: "admits the new tasks on every node",
    new: "in",
    msMax: (limits) => limits.admitMsMax,
  },
  warming: {
    ...starting,
    label: "warms the new tasks and their cache",
    new: "in",
    msMax: (limits) => limits.warmUpMsMax,
    late: "advance",
  },
  shifting: { ...serving, label: "shifts traffic", msMax: (limits) => limits.shiftMsMax },
  analysing: {
    ...serving,
    label: "compares the releases",
    msMax: (_limits, { analyseMs, analyseMsMax }) => 2 * Math.max(analyseMs, analyseMsMax),
  },
  baking: {
    ...serving,
    label: "observes at full traffic",
    msMax: (_limits, { bakeMs, analyseMsMax }) => 2 * Math.max(bakeMs, analyseMsMax),
  },
  committing: {
    ...serving,
    label: "makes the new colour live",
    share: "new",
    msMax: (limits) => limits.commitMsMax,
  },
  // The old slots stay in `drain`, checked and with their sessions, so that the way back takes one command.
  "draining-old": {
    ...serving,
    label: "drains the old tasks",
    share: "new",
    old: "drain",
    msMax: drainMsMax,
  },
  "retiring-old": {
    ...leaving,
    label: "stops the old tasks",
    tasks: "stop-old",
    msMax: (limits) => limits.retireMsMax,
  },
  contracting: {
    ...leaving,
    label: "runs the contract migration",
    msMax: (limits, { contractAfterMs }) => contractAfterMs + limits.migrationMsMax,
  },
  // Without a limit: it goes on until the old release has all traffic.
  reverting: { ...returning, label: "returns the traffic to the old release", new: "in" },
  "draining-new": { ...returning, label: "drains the new tasks", msMax: drainMsMax },
  "retiring-new": {
    ...returning,
    label: "stops the new tasks",
    new: "out",
    tasks: "stop-new",
    msMax: (limits) => limits.retireMsMax,
  },
  finishing: {
    ...before,
    label: "announces the result",
    wayBack: "none",
    msMax: (limits) => limits.announceMsMax,
    late: "advance",
  },
  held: { ...before, label: "waits for a person", wayBack: "none" },
  succeeded: { ...ended, label: "succeeded" },
  "rolled-back": { ...ended, label: "was rolled back" },
  failed: { ...ended, label: "failed before it had traffic" },
  aborted: { ...ended, label: "was aborted" },
  expired: { ...ended, label: "expired before it started" },
};

/** The state whose rules apply: a held deploy keeps those of the state in which it stopped. */
export const ruledBy = (deploy: Deploy): State => deploy.heldFrom ?? deploy.state;

/** States in which users may get the new release, and their share. */
export function shareBp(deploy: Deploy): number {
  const { share } = RULES[ruledBy(deploy)];
  if (share === "new") return BASIS_POINTS;
  if (share === "step") return deploy.plan.stepsBp[deploy.step] ?? BASIS_POINTS;
  return 0;
}
