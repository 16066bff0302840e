import { z } from "zod";

import { cutPage, decodeCursor } from "#platform/http/cursor.ts";
import { etagOf } from "#platform/http/etag.ts";
import { type Route, route } from "#platform/http/route.ts";
import { Timestamp, idOf, pageOf, pageQuery, iso } from "#platform/http/schema.ts";

import { type CommandDeps, found } from "../commands/call-context.ts";
import {
  changeServiceAccount,
  createServiceAccount,
  removeServiceAccount,
} from "../commands/change-service-accounts.ts";
import type { ServiceAccount } from "../domain/api-keys.ts";
import { listServiceAccounts, readServiceAccount } from "../repositories/service-accounts.ts";
import { ByAge, Slug, Words, auditRefusal } from "./identity-wire.ts";

const Answer = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    description: z.string(),
    disabled: z.boolean(),
    version: z.int(),
    createdBy: z.string(),
    createdAt: Timestamp,
    updatedAt: Timestamp,
  })
  .meta({ id: "ServiceAccount" });

const answerOf = ({ createdAtMs, updatedAtMs, ...rest }: ServiceAccount) => ({
  ...rest,
  createdAt: iso(createdAtMs),
  updatedAt: iso(updatedAtMs),
});

const READ = { allow: "permission", permission: "accounts:service-accounts:read" } as const;
const WRITE = { allow: "permission", permission: "accounts:service-accounts:write" } as const;
const Params = z.strictObject({ serviceAccountId: idOf("svc") });
const tag = "Service accounts";

/** Programs that act for themselves. */
export const serviceAccountRoutes = (deps: CommandDeps): Route[] => [
  route({
    method: "GET",
    path: "/v1/service-accounts",
    operationId: "listServiceAccounts",
    tag,
    summary: "Service accounts, the oldest first",
    rule: READ,
    query: pageQuery({}),
    reads: "replica",
    answers: { 200: { description: "A page of service accounts", body: pageOf(Answer) } },
    async handle({ query, read }) {
      const after = decodeCursor(ByAge, query.cursor);
      const rows = await listServiceAccounts(read, { after, limit: query.limit });
      const page = { item: answerOf, cursor: (it: ServiceAccount) => [it.createdAtMs, it.id] };
      return { status: 200, body: cutPage(rows, query.limit, page) };
    },
  }),
  route({
    method: "POST",
    path: "/v1/service-accounts",
    operationId: "createServiceAccount",
    tag,
    summary: "Makes a service account; it can do nothing until something is granted to it",
    rule: WRITE,
    body: z.strictObject({ name: Slug, description: Words.default("") }),
    idempotency: "optional",
    answers: { 201: { description: "Made", body: Answer } },
    handle: (call) =>
      call.write(async (tx) => {
        const account = await createServiceAccount(tx, call, { ...deps, body: call.body });
        return { status: 201, headers: etagOf(account.version), body: answerOf(account) };
      }),
  }),
  route({
    method: "GET",
    path: "/v1/service-accounts/{serviceAccountId}",
    operationId: "readServiceAccount",
    tag,
    summary: "A service account",
    rule: READ,
    params: Params,
    answers: { 200: { description: "The service account", body: Answer } },
    async handle({ params, read }) {
      const id = params.serviceAccountId;
      const account = found(await readServiceAccount(read, id), "service account");
      return { status: 200, headers: etagOf(account.version), body: answerOf(account) };
    },
  }),
  ...changes(deps),
];

const changes = (deps: CommandDeps): Route[] => [
  route({
    method: "PATCH",
    path: "/v1/service-accounts/{serviceAccountId}",
    operationId: "changeServiceAccount",
    tag,
    summary: "Describes, disables or enables a service account",
    description:
      "A disabled one is refused at once by Accounts; access tokens that it has live on for at most ten minutes.",
    rule: WRITE,
    params: Params,
    body: z.strictObject({ description: Words.optional(), disabled: z.boolean().optional() }),
    ifMatch: "required",
    answers: { 200: { description: "Changed", body: Answer } },
    handle: (call) =>
      auditRefusal(
        deps,
        call,
        call.write(async (tx) => {
          const { body, ifMatch, params } = call;
          const request = { ...deps, id: params.serviceAccountId, ifMatch, body };
          const account = await changeServiceAccount(tx, call, request);
          return { status: 200, headers: etagOf(account.version), body: answerOf(account) };
        }),
      ),
  }),
  route({
    method: "DELETE",
    path: "/v1/service-accounts/{serviceAccountId}",
    operationId: "deleteServiceAccount",
    tag,
    summary: "Deletes a service account with its keys and grants",
    rule: WRITE,
    params: Params,
    ifMatch: "required",
    answers: { 204: { description: "Gone" } },
    handle: (call) =>
      call.write(async (tx) => {
        const { ifMatch, params } = call;
        await removeServiceAccount(tx, call, { ...deps, id: params.serviceAccountId, ifMatch });
        return { status: 204 };
      }),
  }),
];
