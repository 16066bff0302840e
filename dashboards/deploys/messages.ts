import { z } from "zod";

import { Colour, colours, Time } from "./colours.ts";

/** What pages and commands read about deploys, with one schema for both ends. Times are epoch ms. */

/** The order of a deploy without problems. `returning` and `held` take the place of the step at which it left that order. */
export const STEPS = [
  "waiting",
  "preparing",
  "starting",
  "verifying",
  "shifting",
  "baking",
  "draining",
  "finishing",
] as const;

const OUTCOMES = ["succeeded", "rolled-back", "failed", "aborted", "expired"] as const;
export const COMMANDS = ["pause", "resume", "hold", "abort", "roll-back", "force"] as const;
export const STRATEGIES = ["blue-green", "canary", "all-at-once"] as const;

export const DeploySummary = z.object({
  id: z.string(),
  workload: z.string(),
  /** The ETag of a deploy: incremented by every change. */
  version: z.number(),
  /** `before` of the next page of a list. */
  place: z.number(),
  train: z.string().nullable(),
  release: z.string(),
  /** The release that it replaces; null at the first deploy. */
  from: z.string().nullable(),
  strategy: z.enum(STRATEGIES),
  createdBy: z.string(),
  createdAtMs: z.number(),
  /** The name of the state of the machine, and the same for people: "shifts traffic". */
  state: z.string(),
  label: z.string(),
  /** How it ended; null before. */
  outcome: z.enum(OUTCOMES).nullable(),
  isHeld: z.boolean(),
  paused: z.object({ by: z.string(), reason: z.string(), atMs: z.number() }).nullable(),
  /** Why it waits, is held or did not succeed. */
  reason: z.string().nullable(),
  /** The share of the new release that the present state asks for, in basis points. */
  shareBp: z.number(),
  startedMs: Time,
  firstTrafficMs: Time,
  fullTrafficMs: Time,
  /** When all nodes sent all requests to the old release again. */
  recoveredMs: Time,
  doneMs: Time,
});
export type DeploySummary = z.infer<typeof DeploySummary>;

const DeployPlan = z.object({
  workload: z.string(),
  release: z.string(),
  from: z.string().nullable(),
  oldColour: Colour,
  newColour: Colour,
  count: z.number(),
  /** The share of the new colour after each step, in basis points. */
  stepsBp: z.array(z.number()),
  migrations: z.object({ expand: z.boolean(), contract: z.boolean() }),
  /** Times in ms. */
  strategy: z.object({
    kind: z.enum(STRATEGIES),
    analyseMs: z.number(),
    analyseMsMax: z.number(),
    requestsMin: z.number(),
    onInconclusive: z.enum(["advance", "hold", "roll-back"]),
    bakeMs: z.number(),
    drainMs: z.number(),
    warmUp: z.boolean(),
    contractAfterMs: z.number(),
  }),
});

/** POST /api/deploys/plan: a dry run. */
export const PlanAnswer = z.object({
  plan: DeployPlan,
  /** Send it as `planHash` with the request: nothing starts if the plan would be another one then. */
  hash: z.string(),
  /** Where the programs of the release come from. */
  programs: z.string(),
  /** What will happen, in order, one sentence each. */
  sentences: z.array(z.string()),
  /** Why it would wait now: a freeze, or deploys before it. */
  waits: z.array(z.string()),
});
export type PlanAnswer = z.infer<typeof PlanAnswer>;

const LaneView = z.object({
  requests: z.number(),
  errors: z.number(),
  /** Null without requests. */
  latencyMsP95: z.number().nullable(),
});

const StepView = z.object({
  step: z.enum(STEPS),
  /** What happens in it: "verifies the new tasks". */
  label: z.string(),
  status: z.enum(["done", "current", "stopped", "next"]),
  atMs: Time,
});

const HistoryLine = z.object({
  atMs: z.number(),
  state: z.string(),
  label: z.string(),
  /** A person or token, or null for the machine. */
  by: z.string().nullable(),
  reason: z.string(),
});

/** What a person may tell the deploy now; `refusal` says why not. */
const CommandView = z.object({ kind: z.enum(COMMANDS), refusal: z.string().nullable() });
export type CommandView = z.infer<typeof CommandView>;

/** How an edge node splits the requests of the workload. */
const NodeSplit = z.object({
  node: z.string(),
  isReachable: z.boolean(),
  /** Whether it runs the newest configuration that was sent to it. */
  isCurrent: z.boolean(),
  live: Colour.nullable(),
  /** The share of each colour in basis points. */
  shareBp: colours(z.number()).nullable(),
  /** Slots that get requests and pass their checks, and open requests and streams. */
  serving: colours(z.number()).nullable(),
  sessions: colours(z.number()).nullable(),
});

const ColourTasks = z.object({
  release: z.string().nullable(),
  desired: z.number(),
  running: z.number(),
  healthy: z.number(),
  failed: z.number(),
  /** What the fleet says about tasks that failed. */
  reason: z.string().nullable(),
});

/** GET /api/deploys/{deployId}. Live parts are null while they are not known, and when it has ended. */
export const DeployDetail = z.object({
  deploy: DeploySummary,
  plan: DeployPlan,
  planHash: z.string(),
  steps: z.array(StepView),
  history: z.array(HistoryLine),
  /** What the machine waits for at this moment, for people. */
  waitsFor: z.string().nullable(),
  /** How the workload gets back to the old release: the command for it, and what it does. */
  wayBack: z.object({
    command: z.enum(["abort", "roll-back", "deploy-again"]).nullable(),
    text: z.string(),
  }),
  commands: z.array(CommandView),
  live: z
    .object({
      /** What clients got from each colour since `lanesSinceMs`. */
      lanes: colours(LaneView).nullable(),
      /** Null in states that need no measurements. While all traffic is on the new colour: when the deploy began. */
      lanesSinceMs: Time,
      nodes: z.array(NodeSplit).nullable(),
      tasks: colours(ColourTasks).nullable(),
    })
    .nullable(),
});
export type DeployDetail = z.infer<typeof DeployDetail>;

/** GET /api/deploys, newest first. */
export const DeployList = z.object({
  deploys: z.array(DeploySummary),
  /** `before` of the next page; null on the last one. */
  next: z.number().nullable(),
});
export type DeployList = z.infer<typeof DeployList>;

/** GET /api/deploys/{deployId}/effects: requests of the machine to fleet, edge and one-off work, in their order. */
export const EffectList = z.object({
  effects: z.array(
    z.object({
      id: z.string(),
      kind: z.string(),
      /** `fleet`, `one-off` or `node:…`. */
      target: z.string(),
      /** What was asked for, in words: "run 2 tasks of r2 as green". */
      text: z.string(),
      /** The same exactly, such as every slot of a configuration; empty where the words say all. */
      exact: z.string(),
      atMs: z.number(),
      /** `sent`: without a reply yet. `failed`: it may still take effect, and is sent again if it did not. */
      status: z.enum(["sent", "ok", "failed"]),
      reply: z.string(),
      tookMs: z.number().nullable(),
    }),
  ),
});
export type EffectList = z.infer<typeof EffectList>;

/** GET /api/workloads. */
export const WorkloadView = z.object({
  name: z.string(),
  /** Where clients reach it: one URL for each edge node. */
  urls: z.array(z.string()),
  /** Why clients cannot reach it there, and what to do. */
  problems: z.array(z.string()),
  live: Colour,
  /** The release that serves; null if it was never deployed. */
  release: z.string().nullable(),
  releases: colours(z.string().nullable()),
  tasks: colours(ColourTasks).nullable(),
  nodes: z.array(NodeSplit).nullable(),
  active: DeploySummary.nullable(),
  waitsFor: z.string().nullable(),
  /** In the order in which they will start. */
  queue: z.array(DeploySummary),
  /** Why no deploy of it starts now. */
  freeze: z.string().nullable(),
});
export type WorkloadView = z.infer<typeof WorkloadView>;
export const WorkloadList = z.object({ workloads: z.array(WorkloadView) });

/** Epoch ms that a Date can have. */
const Instant = z.number().min(0).max(8.64e15);

export const FreezePeriod = z.union([
  z.object({ kind: z.literal("once"), fromMs: Instant, untilMs: Instant }),
  z.object({
    kind: z.literal("recurring"),
    /** Cron expressions: `0 16 * * 5` until `0 7 * * 1`. */
    start: z.string(),
    end: z.string(),
    timezone: z.string(),
  }),
]);

export const FreezeView = z.object({
  id: z.string(),
  version: z.number(),
  name: z.string(),
  /** Empty: all. */
  workloads: z.array(z.string()),
  period: FreezePeriod,
  /** When it ends, if deploys are frozen now. */
  frozenUntilMs: Time,
});
export type FreezeView = z.infer<typeof FreezeView>;
export const FreezeList = z.object({ freezes: z.array(FreezeView) });

/** Several workloads that are released together, in an order. */
export const TrainView = z.object({
  id: z.string(),
  name: z.string(),
  createdBy: z.string(),
  createdAtMs: z.number(),
  cars: z.array(
    z.object({
      workload: z.string(),
      /** Workloads of the train that must have succeeded before. */
      after: z.array(z.string()),
      deploy: DeploySummary,
    }),
  ),
});
export type TrainView = z.infer<typeof TrainView>;
export const TrainList = z.object({ trains: z.array(TrainView) });

/** GET /api/deploy-audit, oldest first. */
export const AuditList = z.object({
  entries: z.array(
    z.object({
      seq: z.number(),
      atMs: z.number(),
      actor: z.string(),
      /** `deploy.start`, `deploy.pause`, `deploy.freeze` … */
      action: z.string(),
      target: z.string(),
      reason: z.string(),
      /** Of the entry, and of all before it. */
      hash: z.string(),
    }),
  ),
  /** `after` of the next page; null on the last one. */
  next: z.number().nullable(),
});
export type AuditList = z.infer<typeof AuditList>;
