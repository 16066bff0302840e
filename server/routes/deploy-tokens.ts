import { z } from "zod";

import { record } from "#access/audit.ts";
import {
  DeployToken,
  DeployTokenRequest,
  deployTokens,
  PIPELINE_ACTS,
} from "#access/deploy-token.ts";
import {
  MANAGE_DEPLOY_TOKENS,
  type MemberCaller,
  type MemberRule,
  memberRoute,
} from "#access/route.ts";
import type { TokenUses } from "#access/token-uses.ts";
import {
  DeployTokenList,
  type DeployTokenView,
  NewDeployToken,
} from "#dashboards/deploys/token-messages.ts";
import type { Route } from "#platform/http/route.ts";

import type { ControlSettings } from "../settings.ts";
import { actorOf } from "./deploy-access.ts";

const TAG = "Deploys";

export type DeployTokenDeps = {
  settings: Pick<ControlSettings, "dataFolder">;
  tokenUses: TokenUses;
};

/** The tokens of pipelines that deploy: the same as `quarterdeck token`. A token cannot make another one. */
export const deployTokenRoutes = (deps: DeployTokenDeps): Route<MemberRule>[] => [
  listing(deps),
  creation(deps),
  removal(deps),
];

const listing = ({ settings: { dataFolder }, tokenUses }: DeployTokenDeps): Route<MemberRule> =>
  memberRoute({
    method: "GET",
    path: "/api/deploy-tokens",
    operationId: "listDeployTokens",
    tag: TAG,
    summary: "Lists the tokens of pipelines that deploy",
    rule: MANAGE_DEPLOY_TOKENS,
    responses: { 200: { description: "The tokens", body: DeployTokenList } },
    handle: () => ({
      status: 200,
      body: {
        tokens: deployTokens.list(dataFolder).map((token) => shown(token, tokenUses)),
        usesSinceMs: tokenUses.sinceMs,
        usualActs: [...PIPELINE_ACTS],
      },
    }),
  });

const creation = ({ settings: { dataFolder }, tokenUses }: DeployTokenDeps): Route<MemberRule> =>
  memberRoute({
    method: "POST",
    path: "/api/deploy-tokens",
    operationId: "createDeployToken",
    tag: TAG,
    summary: "Makes a token for a pipeline that deploys",
    description: "The secret is in this response only: just a hash of it is stored.",
    rule: MANAGE_DEPLOY_TOKENS,
    body: DeployTokenRequest.meta({ example: { name: "gitlab", workloads: ["billing"] } }),
    responses: { 201: { description: "The token and its secret", body: NewDeployToken } },
    async handle({ body, caller, nowMs, database }) {
      const request = { ...body, createdBy: actorOf(caller) };
      const { token, secret } = await deployTokens.add(dataFolder, request, nowMs);
      const after = shown(token, tokenUses);
      const entry = { action: "deploy-token.create" as const, after };
      await record(database, { ...entry, ...who(caller, nowMs), target: token.id });
      return { status: 201, body: { token: after, secret } };
    },
  });

const removal = ({ settings: { dataFolder }, tokenUses }: DeployTokenDeps): Route<MemberRule> =>
  memberRoute({
    method: "DELETE",
    path: "/api/deploy-tokens/{tokenId}",
    operationId: "removeDeployToken",
    tag: TAG,
    summary: "Revokes a token: pipelines that use it are refused at once",
    rule: MANAGE_DEPLOY_TOKENS,
    params: z.object({ tokenId: DeployToken.shape.id }),
    responses: { 204: { description: "Revoked" } },
    async handle({ params, caller, nowMs, database }) {
      const removed = await deployTokens.remove(dataFolder, params.tokenId);
      const before = shown(removed, tokenUses);
      const entry = { action: "deploy-token.remove" as const, before };
      await record(database, { ...entry, ...who(caller, nowMs), target: removed.id });
      return { status: 204 };
    },
  });

const who = ({ id, address }: MemberCaller, atMs: number) => ({ atMs, actor: id, address });

const shown = (
  { id, name, workloads, acts, createdMs, createdBy }: DeployToken,
  uses: TokenUses,
): DeployTokenView => ({
  id,
  name,
  workloads,
  acts,
  createdAtMs: createdMs,
  createdBy,
  lastUsedAtMs: uses.lastMs(id) ?? null,
});
