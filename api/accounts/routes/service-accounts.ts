import { z } from "zod";

import { createdCursor, pageResponse, pageStart } from "#platform/http/cursor.ts";
import { versioned } from "#platform/http/etag.ts";
import { type Route, route } from "#platform/http/route.ts";
import { Timestamp, idOf, pageOf, pageQuery } from "#platform/http/schema.ts";
import { toBody } from "#platform/http/to-body.ts";

import { type CommandDeps, found } from "../commands/call-context.ts";
import {
  changeServiceAccount,
  createServiceAccount,
  removeServiceAccount,
} from "../commands/change-service-accounts.ts";
import {
  type ServiceAccount,
  listServiceAccounts,
  readServiceAccount,
} from "../repositories/service-accounts.ts";
import { Description, Slug, auditRefusal } from "./wire.ts";

const ServiceAccountBody = z
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

const bodyOf = (it: ServiceAccount) => toBody(ServiceAccountBody, it);

const READ = { allow: "permission", permission: "accounts:service-accounts:read" } as const;
const WRITE = { allow: "permission", permission: "accounts:service-accounts:write" } as const;
const params = z.strictObject({ serviceAccountId: idOf("svc") });
const tag = "Service accounts";

export const serviceAccountRoutes = (deps: CommandDeps): Route[] => [
  listRoute,
  createRoute(deps),
  readRoute,
  changeRoute(deps),
  deleteRoute(deps),
];

const listRoute = route({
  method: "GET",
  path: "/v1/service-accounts",
  operationId: "listServiceAccounts",
  tag,
  summary: "List service accounts, oldest first",
  rule: READ,
  query: pageQuery({}),
  reads: "replica",
  responses: {
    200: { description: "A page of service accounts", body: pageOf(ServiceAccountBody) },
  },
  async handle({ query, read }) {
    const rows = await listServiceAccounts(read, pageStart(query, "oldest"));
    return pageResponse(rows, query, { item: bodyOf, cursor: createdCursor });
  },
});

const createRoute = (deps: CommandDeps): Route =>
  route({
    method: "POST",
    path: "/v1/service-accounts",
    operationId: "createServiceAccount",
    tag,
    summary: "Create a service account",
    description: "It has no permissions until something is granted to it.",
    rule: WRITE,
    body: z.strictObject({ name: Slug, description: Description.default("") }),
    idempotency: "optional",
    responses: { 201: { description: "Created", body: ServiceAccountBody } },
    handle: (call) =>
      call.write(async (tx) => {
        const request = { ...deps, body: call.body };
        return versioned(201, bodyOf(await createServiceAccount(tx, call, request)));
      }),
  });

const readRoute = route({
  method: "GET",
  path: "/v1/service-accounts/{serviceAccountId}",
  operationId: "readServiceAccount",
  tag,
  summary: "Get a service account",
  rule: READ,
  params,
  responses: { 200: { description: "The service account", body: ServiceAccountBody } },
  handle: async ({ params: { serviceAccountId: id }, read }) =>
    versioned(200, bodyOf(found(await readServiceAccount(read, id), "service account"))),
});

const changeRoute = (deps: CommandDeps): Route =>
  route({
    method: "PATCH",
    path: "/v1/service-accounts/{serviceAccountId}",
    operationId: "changeServiceAccount",
    tag,
    summary: "Describe, disable or enable a service account",
    description:
      "A disabled one is refused by Accounts immediately; its access tokens stay valid elsewhere for at most ten minutes.",
    rule: WRITE,
    params,
    body: z.strictObject({ description: Description.optional(), disabled: z.boolean().optional() }),
    ifMatch: "required",
    responses: { 200: { description: "Changed", body: ServiceAccountBody } },
    handle: (call) =>
      auditRefusal(
        deps,
        call,
        call.write(async (tx) => {
          const {
            body,
            ifMatch,
            params: { serviceAccountId: id },
          } = call;
          const request = { ...deps, id, ifMatch, body };
          return versioned(200, bodyOf(await changeServiceAccount(tx, call, request)));
        }),
      ),
  });

const deleteRoute = (deps: CommandDeps): Route =>
  route({
    method: "DELETE",
    path: "/v1/service-accounts/{serviceAccountId}",
    operationId: "deleteServiceAccount",
    tag,
    summary: "Delete a service account with its keys and grants",
    rule: WRITE,
    params,
    ifMatch: "required",
    responses: { 204: { description: "Deleted" } },
    handle: (call) =>
      call.write(async (tx) => {
        const {
          ifMatch,
          params: { serviceAccountId: id },
        } = call;
        await removeServiceAccount(tx, call, { ...deps, id, ifMatch });
        return { status: 204 };
      }),
  });
