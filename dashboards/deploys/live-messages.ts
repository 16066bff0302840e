import { z } from "zod";

import { EdgeAnswer, FleetAnswer, TaskLog } from "./fleet-messages.ts";
import {
  COMMANDS,
  DeployDetail,
  DeployList,
  EffectList,
  FreezeView,
  TrainView,
  WorkloadView,
} from "./messages.ts";

/** What the pages about deploys show, pushed over a socket in a namespace of its own. Times are epoch ms. */

export const DEPLOYS_NAMESPACE = "/deploys";

export const ROWS = { step: 20, max: 100 } as const;

/** Socket event `view`, sent by a page: what it shows. */
export const DeploysView = z.discriminatedUnion("page", [
  z.strictObject({
    page: z.literal("deploys"),
    limit: z.int().min(1).max(ROWS.max),
    /** The workload whose deploys are listed; null: all. */
    workload: z.string().max(100).nullable(),
  }),
  z.strictObject({ page: z.literal("deploy"), id: z.string().max(100) }),
  z.strictObject({
    page: z.literal("fleet"),
    /** The task and container whose output is shown. */
    task: z.string().max(100).nullable(),
    container: z.string().max(255).nullable(),
  }),
  z.strictObject({ page: z.literal("edge") }),
  z.strictObject({ page: z.literal("board") }),
]);
export type DeploysView = z.infer<typeof DeploysView>;
export type PageName = DeploysView["page"];

/** What a member or a token may do with a workload. */
export const Acts = z.array(
  z.enum([...COMMANDS, "see", "start", "freeze", "configure-edge", "ban"]),
);
export type Acts = z.infer<typeof Acts>;

export const PAGES = {
  deploys: DeployList.extend({
    workloads: z.array(WorkloadView.extend({ may: Acts })),
    freezes: z.array(FreezeView.extend({ mayRemove: z.boolean() })),
    trains: z.array(TrainView),
    /** Whether the member may stop the deploys of all workloads. */
    mayFreezeAll: z.boolean(),
    /** Whether the member may decide which pipelines deploy. */
    mayManageTokens: z.boolean(),
  }),
  deploy: DeployDetail.extend({ effects: EffectList.shape.effects, may: Acts }),
  fleet: FleetAnswer.extend({
    log: TaskLog.nullable(),
    /** Why there is no output; null if there is, or if no task is opened. */
    logProblem: z.string().nullable(),
  }),
  edge: EdgeAnswer.extend({
    /** Whether the member may change the template, and remove any response from the caches. */
    mayConfigure: z.boolean(),
    mayBan: z.boolean(),
  }),
  board: z.object({
    fleet: z.array(z.object({ workload: z.string(), running: z.number(), desired: z.number() })),
    /** Is another one when a deploy has changed. */
    changed: z.string(),
  }),
} as const satisfies Record<PageName, z.ZodType>;
export type Pages = { [Name in PageName]: z.infer<(typeof PAGES)[Name]> };

/** Socket event `deploys`: what a view shows now, or why that is not known. Sent when it changes. */
export const DeploysMessage = z.object({
  /** The view as it was sent, as JSON. */
  view: z.string(),
  atMs: z.number(),
  demo: z.boolean(),
  /** As in `PAGES`; null if it is not known. */
  content: z.unknown(),
  problem: z.object({ code: z.string(), message: z.string() }).nullable(),
});
export type DeploysMessage = z.infer<typeof DeploysMessage>;
