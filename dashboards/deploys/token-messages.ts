import { z } from "zod";

import { Time } from "./colours.ts";
import { Acts } from "./live-messages.ts";

/** The tokens of pipelines, with one schema for both ends. Times are epoch ms. */

export const DeployTokenView = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    /** `*` is all. */
    workloads: z.array(z.string()),
    acts: Acts,
    createdAtMs: z.number(),
    /** Who made it; null if that is not known. */
    createdBy: z.string().nullable(),
    /** Null if it was not used since the control plane started. */
    lastUsedAtMs: Time,
  })
  .meta({ id: "DeployToken", description: "A token that deploys, without its secret." });
export type DeployTokenView = z.infer<typeof DeployTokenView>;

/** GET /api/deploy-tokens, oldest first. */
export const DeployTokenList = z.strictObject({
  tokens: z.array(DeployTokenView),
  /** Since when uses are known: the start of the control plane. */
  usesSinceMs: z.number(),
  /** What a token may do unless its creator decides otherwise. */
  usualActs: Acts,
});
export type DeployTokenList = z.infer<typeof DeployTokenList>;

/** POST /api/deploy-tokens. */
export const NewDeployToken = z.strictObject({ token: DeployTokenView, secret: z.string() });
export type NewDeployToken = z.infer<typeof NewDeployToken>;
