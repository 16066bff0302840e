import { z } from "zod";

import { createdCursor, pageResponse, pageStart } from "#platform/http/cursor.ts";
import { type Route, route } from "#platform/http/route.ts";
import { Timestamp, idOf, pageOf, pageQuery, text } from "#platform/http/schema.ts";
import { toBody } from "#platform/http/to-body.ts";

import { type CommandDeps, found } from "../commands/call-context.ts";
import { createApiKey, removeApiKey } from "../commands/change-service-accounts.ts";
import { type ApiKey, listApiKeys } from "../repositories/api-keys.ts";
import { readServiceAccount } from "../repositories/service-accounts.ts";
import { PermissionNames, Until, auditRefusal } from "./wire.ts";

const ApiKeyBody = z
  .strictObject({
    id: z.string(),
    serviceAccountId: z.string(),
    name: z.string(),
    scopes: z.array(z.string()),
    expiresAt: Timestamp,
    lastUsedAt: Timestamp.nullable(),
    revokedAt: Timestamp.nullable(),
    createdBy: z.string(),
    createdAt: Timestamp,
  })
  .meta({ id: "ApiKey" });

const bodyOf = (it: ApiKey) => toBody(ApiKeyBody, it);

const WRITE = { allow: "permission", permission: "accounts:service-accounts:write" } as const;
const OfAccount = z.strictObject({ serviceAccountId: idOf("svc") });
const path = "/v1/service-accounts/{serviceAccountId}/api-keys";
const tag = "Service accounts";

export const apiKeyRoutes = (deps: CommandDeps): Route[] => [
  route({
    method: "GET",
    path,
    operationId: "listApiKeys",
    tag,
    summary: "List the keys of a service account, oldest first",
    rule: { allow: "permission", permission: "accounts:service-accounts:read" },
    params: OfAccount,
    query: pageQuery({}),
    reads: "replica",
    responses: { 200: { description: "A page of keys", body: pageOf(ApiKeyBody) } },
    async handle({ params: { serviceAccountId }, query, read }) {
      found(await readServiceAccount(read, serviceAccountId), "service account");
      const rows = await listApiKeys(read, { ...pageStart(query, "oldest"), serviceAccountId });
      return pageResponse(rows, query, { item: bodyOf, cursor: createdCursor });
    },
  }),
  route({
    method: "DELETE",
    path: "/v1/api-keys/{apiKeyId}",
    operationId: "revokeApiKey",
    tag,
    summary: "Revoke a key",
    description: "Access tokens issued for it stay valid until they expire.",
    rule: WRITE,
    params: z.strictObject({ apiKeyId: idOf("key") }),
    responses: { 204: { description: "Revoked" } },
    handle: (call) =>
      call.write(async (tx) => {
        await removeApiKey(tx, call, { ...deps, id: call.params.apiKeyId });
        return { status: 204 };
      }),
  }),
  createRoute(deps),
];

const createRoute = (deps: CommandDeps): Route =>
  route({
    method: "POST",
    path,
    operationId: "createApiKey",
    tag,
    summary: "Create a key, which is returned here only",
    description:
      "Use it as a bearer token at Accounts, or exchange it at POST /oauth/token (client_credentials) for an access token for the other services. Its scopes must be granted to the service account and be held by the caller.",
    rule: WRITE,
    params: OfAccount,
    body: z.strictObject({
      name: text({ max: 100 }),
      scopes: PermissionNames.refine((it) => it.length > 0, { error: "give at least one" }),
      expiresAt: Until,
    }),
    idempotency: "optional",
    responses: { 201: { description: "Created", body: ApiKeyBody.extend({ apiKey: z.string() }) } },
    handle: (call) =>
      auditRefusal(
        deps,
        call,
        call.write(async (tx) => {
          const { expiresAt: expiresAtMs, ...rest } = call.body;
          const id = call.params.serviceAccountId;
          const request = { ...deps, id, body: { ...rest, expiresAtMs } };
          const { key, text: apiKey } = await createApiKey(tx, call, request);
          return { status: 201, body: { ...bodyOf(key), apiKey } };
        }),
      ),
  });
