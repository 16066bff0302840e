import { z } from "zod";

import { COMMANDS, FreezePeriod, STRATEGIES } from "./messages.ts";

/** What pages, commands and pipelines ask the deployer for. Times are in ms. */

const Ms = z
  .int()
  .min(0)
  .max(30 * 24 * 3_600_000);
const WorkloadName = z.string().min(1).max(100);

export const Reason = z
  .string()
  .trim()
  .min(1, "give a reason: it is kept in the audit log")
  .max(1_000);

/** The name of a release; it may be the name of a folder or the tag of an image. */
const ReleaseName = z
  .string()
  .regex(
    /^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}$/,
    "give 1 to 100 letters, digits and ._+-, beginning with a letter or digit",
  )
  .meta({ example: "r2" });

/** What is left out is as the fleet's defaults have it: `plan` shows them. */
const StrategyRequest = z.strictObject({
  kind: z.enum(STRATEGIES).optional(),
  stepsBp: z.array(z.int().min(1).max(10_000)).max(50).optional(),
  analyseMs: Ms.optional(),
  analyseMsMax: Ms.optional(),
  requestsMin: z.int().min(0).max(1_000_000_000).optional(),
  onInconclusive: z.enum(["advance", "hold", "roll-back"]).optional(),
  bakeMs: Ms.optional(),
  drainMs: Ms.optional(),
  warmUp: z.boolean().optional(),
  contractAfterMs: Ms.optional(),
});

const CarRequest = z.strictObject({
  workload: WorkloadName,
  release: ReleaseName,
  strategy: StrategyRequest.default({}),
  /** Tasks; by default as many as serve now, and at least as many as the workload is set to have. */
  count: z.int().min(1).max(1_000).optional(),
  migrations: z
    .strictObject({ expand: z.boolean().default(false), contract: z.boolean().default(false) })
    .default({ expand: false, contract: false }),
  /** The hash of the plan that was reviewed. */
  planHash: z.string().max(100).optional(),
});

/** POST /api/deploys/plan */
export const PlanRequest = CarRequest.omit({ planHash: true });
export type PlanRequest = z.output<typeof PlanRequest>;

/** POST /api/deploys */
export const StartRequest = CarRequest.extend({ reason: Reason });
export type StartRequest = z.output<typeof StartRequest>;

/** POST /api/trains */
export const TrainRequest = z.strictObject({
  name: z.string().trim().min(1).max(200),
  reason: Reason,
  cars: z
    .array(CarRequest.extend({ after: z.array(WorkloadName).max(100).default([]) }))
    .min(1)
    .max(100),
});
export type TrainRequest = z.output<typeof TrainRequest>;

/** POST /api/deploys/{deployId}/commands */
export const CommandRequest = z.strictObject({ kind: z.enum(COMMANDS), reason: Reason });
export type CommandRequest = z.output<typeof CommandRequest>;

const Template = z.string().min(1).max(200_000);

/** POST /api/edge/template/check */
export const TemplateRequest = z.strictObject({ text: Template });

/** POST /api/edge/template/versions */
export const TemplateChangeRequest = z.strictObject({
  text: Template,
  reason: Reason,
  /** The current version that the author has seen. */
  base: z.int().min(0).optional(),
});
export type TemplateChangeRequest = z.output<typeof TemplateChangeRequest>;

/** POST /api/edge/template/roll-back */
export const TemplateRollBackRequest = z.strictObject({ version: z.int().min(0), reason: Reason });
export type TemplateRollBackRequest = z.output<typeof TemplateRollBackRequest>;

/** POST /api/edge/bans: which responses are removed from the caches. */
export const BanRequest = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("url"),
    host: z.string().max(300),
    url: z.string().max(4_096),
    reason: Reason,
  }),
  z.strictObject({ kind: z.literal("tag"), tag: z.string().max(200), reason: Reason }),
  z.strictObject({
    kind: z.literal("release"),
    workload: WorkloadName,
    release: ReleaseName,
    reason: Reason,
  }),
]);
export type BanRequest = z.output<typeof BanRequest>;

/** POST /api/freezes */
export const FreezeRequest = z.strictObject({
  name: z.string().trim().min(1).max(200),
  workloads: z.array(WorkloadName).max(1_000).default([]),
  period: FreezePeriod,
  reason: Reason,
});
export type FreezeRequest = z.output<typeof FreezeRequest>;
