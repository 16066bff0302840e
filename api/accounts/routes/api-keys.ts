import { z } from "zod";

import { cutPage, decodeCursor } from "#platform/http/cursor.ts";
import { type Route, route } from "#platform/http/route.ts";
import { Timestamp, idOf, pageOf, pageQuery, text, iso, isoOrNull } from "#platform/http/schema.ts";

import { type CommandDeps, found } from "../commands/call-context.ts";
import { createApiKey, removeApiKey } from "../commands/change-service-accounts.ts";
import type { ApiKey } from "../domain/api-keys.ts";
import { listApiKeys } from "../repositories/api-keys.ts";
import { readServiceAccount } from "../repositories/service-accounts.ts";
import { ByAge, PermissionNames, Until, auditRefusal } from "./identity-wire.ts";

const Answer = z
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

const answerOf = (key: ApiKey) => ({
  id: key.id,
  serviceAccountId: key.serviceAccountId,
  name: key.name,
  scopes: [...key.scopes],
  expiresAt: iso(key.expiresAtMs),
  lastUsedAt: isoOrNull(key.lastUsedAtMs),
  revokedAt: isoOrNull(key.revokedAtMs),
  createdBy: key.createdBy,
  createdAt: iso(key.createdAtMs),
});

const WRITE = { allow: "permission", permission: "accounts:service-accounts:write" } as const;
const OfAccount = z.strictObject({ serviceAccountId: idOf("svc") });
const path = "/v1/service-accounts/{serviceAccountId}/api-keys";
const tag = "Service accounts";

/** Keys of service accounts. */
export const apiKeyRoutes = (deps: CommandDeps): Route[] => [
  route({
    method: "GET",
    path,
    operationId: "listApiKeys",
    tag,
    summary: "Keys of a service account, the oldest first",
    rule: { allow: "permission", permission: "accounts:service-accounts:read" },
    params: OfAccount,
    query: pageQuery({}),
    reads: "replica",
    answers: { 200: { description: "A page of keys", body: pageOf(Answer) } },
    async handle({ params, query, read }) {
      const { serviceAccountId } = params;
      found(await readServiceAccount(read, serviceAccountId), "service account");
      const after = decodeCursor(ByAge, query.cursor);
      const rows = await listApiKeys(read, { serviceAccountId, after, limit: query.limit });
      const page = { item: answerOf, cursor: (it: ApiKey) => [it.createdAtMs, it.id] };
      return { status: 200, body: cutPage(rows, query.limit, page) };
    },
  }),
  route({
    method: "DELETE",
    path: "/v1/api-keys/{apiKeyId}",
    operationId: "revokeApiKey",
    tag,
    summary: "Revokes a key",
    description: "Access tokens that were had for it live on until they expire.",
    rule: WRITE,
    params: z.strictObject({ apiKeyId: idOf("key") }),
    answers: { 204: { description: "Revoked" } },
    handle: (call) =>
      call.write(async (tx) => {
        await removeApiKey(tx, call, { ...deps, id: call.params.apiKeyId });
        return { status: 204 };
      }),
  }),
  ...makingKeys(deps),
];

const makingKeys = (deps: CommandDeps): Route[] => [
  route({
    method: "POST",
    path,
    operationId: "createApiKey",
    tag,
    summary: "Makes a key; it is shown in this answer only",
    description:
      "Use it as a bearer token at Accounts, or exchange it at POST /oauth/token (client_credentials) for an access token that the other services take. Its scopes must be granted to the service account, and be held by you.",
    rule: WRITE,
    params: OfAccount,
    body: z.strictObject({
      name: text({ max: 100 }),
      scopes: PermissionNames.refine((it) => it.length > 0, { error: "give at least one" }),
      expiresAt: Until,
    }),
    idempotency: "optional",
    answers: { 201: { description: "Made", body: Answer.extend({ apiKey: z.string() }) } },
    handle: (call) =>
      auditRefusal(
        deps,
        call,
        call.write(async (tx) => {
          const { expiresAt: expiresAtMs, ...rest } = call.body;
          const request = {
            ...deps,
            id: call.params.serviceAccountId,
            body: { ...rest, expiresAtMs },
          };
          const { key, text: apiKey } = await createApiKey(tx, call, request);
          return { status: 201, body: { ...answerOf(key), apiKey } };
        }),
      ),
  }),
];
