import { z } from "zod";

import { record } from "#access/audit.ts";
import { type GrantRule, type MemberCaller, type MemberRule, memberRoute } from "#access/route.ts";
import type { Route } from "#platform/http/route.ts";
import { PushToken, TokenRequest } from "#receivers/tokens/push-token.ts";
import { addToken, listTokens, removeToken } from "#receivers/tokens/token-file.ts";

import type { ControlSettings } from "../settings.ts";

/** The right to decide what is received, and from whom. */
const MANAGE_SOURCES: GrantRule = {
  allow: "grant",
  capability: "manage",
  target: "source:*",
};

const ShownToken = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    datasets: z.array(z.string()),
    eventsPerSecond: z.int().nullable(),
    createdAt: z.iso.datetime(),
  })
  .meta({
    id: "PushToken",
    description: "A token with which logs are pushed, without its secret.",
  });

type PushTokenDeps = { settings: Pick<ControlSettings, "dataFolder"> };

/** The tokens of senders that push logs: the same as `quarterdeck token`. */
export const pushTokenRoutes = ({
  settings: { dataFolder },
}: PushTokenDeps): Route<MemberRule>[] => [
  listing(dataFolder),
  creation(dataFolder),
  removal(dataFolder),
];

const listing = (dataFolder: string): Route<MemberRule> =>
  memberRoute({
    method: "GET",
    path: "/api/push-tokens",
    operationId: "listPushTokens",
    tag: "Sources",
    summary: "Lists the tokens with which logs are pushed",
    rule: MANAGE_SOURCES,
    responses: {
      200: { description: "The tokens", body: z.strictObject({ tokens: z.array(ShownToken) }) },
    },
    handle: () => ({ status: 200, body: { tokens: listTokens(dataFolder).map(shown) } }),
  });

const creation = (dataFolder: string): Route<MemberRule> =>
  memberRoute({
    method: "POST",
    path: "/api/push-tokens",
    operationId: "createPushToken",
    tag: "Sources",
    summary: "Makes a token with which logs are pushed",
    description: "The secret is in this response only: just a hash of it is stored.",
    rule: MANAGE_SOURCES,
    body: TokenRequest.meta({ example: { name: "filebeat", datasets: ["nginx.*"] } }),
    responses: {
      201: {
        description: "The token and its secret",
        body: z.strictObject({ token: ShownToken, secret: z.string() }),
      },
    },
    async handle({ body, caller, nowMs, database }) {
      const { token, secret } = await addToken(dataFolder, body, nowMs);
      const entry = { action: "push-token.create" as const, after: shown(token) };
      await record(database, { ...entry, ...who(caller, nowMs), target: token.id });
      return { status: 201, body: { token: shown(token), secret } };
    },
  });

const removal = (dataFolder: string): Route<MemberRule> =>
  memberRoute({
    method: "DELETE",
    path: "/api/push-tokens/{tokenId}",
    operationId: "removePushToken",
    tag: "Sources",
    summary: "Removes a token: senders that use it are refused at once",
    rule: MANAGE_SOURCES,
    params: z.object({ tokenId: PushToken.shape.id }),
    responses: { 204: { description: "Removed" } },
    async handle({ params, caller, nowMs, database }) {
      const removed = await removeToken(dataFolder, params.tokenId);
      const entry = { action: "push-token.remove" as const, before: shown(removed) };
      await record(database, { ...entry, ...who(caller, nowMs), target: removed.id });
      return { status: 204 };
    },
  });

const who = ({ id, address }: MemberCaller, atMs: number) => ({ atMs, actor: id, address });

const shown = ({ id, name, datasets, eventsPerSecond, createdMs }: PushToken) => ({
  id,
  name,
  datasets,
  eventsPerSecond,
  createdAt: new Date(createdMs).toISOString(),
});
