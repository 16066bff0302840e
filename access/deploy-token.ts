import { z } from "zod";

import { StoredToken, TokenFile, TokenName } from "#platform/tokens/token-file.ts";

/** What may be done with deploys. */
export const DEPLOY_ACTS = [
  "see",
  "start",
  "pause",
  "resume",
  "hold",
  "abort",
  "roll-back",
  "force",
  "freeze",
  "configure-edge",
  "ban",
] as const;
export type DeployAct = (typeof DEPLOY_ACTS)[number];

/** What a pipeline needs to deploy and to go back. */
export const PIPELINE_ACTS: readonly DeployAct[] = [
  "see",
  "start",
  "pause",
  "resume",
  "abort",
  "roll-back",
];

const Workloads = z
  .array(z.string().regex(/^(?:\*|[a-z][a-z0-9-]{0,39})$/, "give names of workloads, or *"))
  .min(1, "give at least one workload, or *")
  .max(100);
const Acts = z.array(z.enum(DEPLOY_ACTS)).min(1, "give at least one act");

/** What the creator of a token decides. */
export const DeployTokenRequest = z.strictObject({
  name: TokenName,
  workloads: Workloads.meta({ description: "The workloads that it may deploy; * is all" }),
  acts: Acts.default([...PIPELINE_ACTS]).meta({ description: "What it may do with them" }),
});

/** A token of a pipeline, without its secret. */
export const DeployToken = StoredToken.extend({
  workloads: Workloads,
  acts: Acts,
  /** Who made it; null if that is not known. */
  createdBy: z.string().nullable().default(null),
});
export type DeployToken = z.output<typeof DeployToken>;

/** The tokens of pipelines that deploy, in the file `deploy-tokens.json` of the data folder. */
export const deployTokens = new TokenFile<DeployToken>({
  name: "deploy-tokens",
  schema: DeployToken,
  prefix: "qdd_",
});

/** Why the token may not do it, for people; undefined if it may. Whoever may act may also see. */
export function whyNotByToken(
  { name, acts, workloads }: DeployToken,
  act: DeployAct,
  workload: string | undefined,
): string | undefined {
  if (act !== "see" && !acts.includes(act)) {
    return `The token ${name} may not ${act}: it may ${acts.join(", ")}.`;
  }
  // Without a workload it is about all.
  const covers =
    workloads.includes("*") || (workload !== undefined && workloads.includes(workload));
  return covers ? undefined : `The token ${name} is for ${workloads.join(", ")} only.`;
}
