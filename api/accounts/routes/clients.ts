import { z } from "zod";

import { createdCursor, pageResponse, pageStart } from "#platform/http/cursor.ts";
import { versioned } from "#platform/http/etag.ts";
import { type Route, route } from "#platform/http/route.ts";
import { Timestamp, idOf, pageOf, pageQuery, text } from "#platform/http/schema.ts";
import { toBody } from "#platform/http/to-body.ts";

import { type CommandDeps, found } from "../commands/call-context.ts";
import {
  type EndedSessions,
  changeClient,
  createClient,
  removeClient,
  rotateClientSecret,
} from "../commands/change-clients.ts";
import { originOf } from "../deps.ts";
import { CLIENT_KINDS, redirectUriError } from "../domain/clients.ts";
import { QUARTERDECK } from "../domain/products.ts";
import { type OAuthClient, listClients, readClient } from "../repositories/clients.ts";
import { Slug } from "./wire.ts";

const Uri = z
  .string()
  .max(500)
  .superRefine((uri, context) => {
    const message = redirectUriError(uri);
    if (message !== undefined) context.addIssue({ code: "custom", message });
  })
  .meta({ example: "https://shop.example/signed-in" });
const Name = text({ max: 100 });
const RedirectUris = z.array(Uri).min(1).max(20);
const LogoutUris = z.array(Uri).max(20);

const ClientBody = z
  .strictObject({
    id: z.string(),
    product: z.string(),
    name: z.string(),
    kind: z.enum(CLIENT_KINDS),
    redirectUris: z.array(z.string()),
    postLogoutRedirectUris: z.array(z.string()),
    version: z.int(),
    createdBy: z.string(),
    createdAt: Timestamp,
    updatedAt: Timestamp,
  })
  .meta({ id: "OAuthClient" });
const WithSecret = ClientBody.extend({ clientSecret: z.string().nullable() });

const bodyOf = (it: OAuthClient) => toBody(ClientBody, it);

const READ = { allow: "permission", permission: "accounts:clients:read" } as const;
const WRITE = { allow: "permission", permission: "accounts:clients:write" } as const;
const params = z.strictObject({ clientId: idOf("cli") });
const tag = "OAuth clients";

export const clientRoutes = (deps: CommandDeps): Route[] => [
  listRoute,
  readRoute,
  createRoute(deps),
  secretRoute(deps),
  changeRoute(deps),
  deleteRoute(deps),
];

const listRoute = route({
  method: "GET",
  path: "/v1/clients",
  operationId: "listClients",
  tag,
  summary: "List OAuth clients, oldest first",
  rule: READ,
  query: pageQuery({}),
  reads: "replica",
  responses: { 200: { description: "A page of clients", body: pageOf(ClientBody) } },
  async handle({ query, read }) {
    const rows = await listClients(read, pageStart(query, "oldest"));
    return pageResponse(rows, query, { item: bodyOf, cursor: createdCursor });
  },
});

const readRoute = route({
  method: "GET",
  path: "/v1/clients/{clientId}",
  operationId: "readClient",
  tag,
  summary: "Get an OAuth client",
  rule: READ,
  params,
  responses: { 200: { description: "The client", body: ClientBody } },
  handle: async ({ params: { clientId }, read }) =>
    versioned(200, bodyOf(found(await readClient(read, clientId), "client"))),
});

const createRoute = (deps: CommandDeps): Route =>
  route({
    method: "POST",
    path: "/v1/clients",
    operationId: "createClient",
    tag,
    summary: "Register an OAuth client",
    description:
      "The secret of a confidential client is returned here only. Clients are first-party: users are not asked for consent, and the client acts with all their permissions on its product. Register only trusted applications.",
    rule: WRITE,
    body: z.strictObject({
      name: Name,
      product: Slug.default(QUARTERDECK),
      kind: z.enum(CLIENT_KINDS),
      redirectUris: RedirectUris,
      postLogoutRedirectUris: LogoutUris.default([]),
    }),
    idempotency: "optional",
    responses: { 201: { description: "Registered", body: WithSecret } },
    handle: (call) =>
      call.write(async (tx) => {
        const { client, secret } = await createClient(tx, call, { ...deps, body: call.body });
        return versioned(201, { ...bodyOf(client), clientSecret: secret ?? null });
      }),
  });

const secretRoute = (deps: CommandDeps): Route =>
  route({
    method: "POST",
    path: "/v1/clients/{clientId}/secrets",
    operationId: "renewClientSecret",
    tag,
    summary: "Replace the secret of a confidential client",
    description: "The old secret is refused immediately.",
    rule: WRITE,
    params,
    idempotency: "optional",
    ifMatch: "optional",
    responses: { 201: { description: "Replaced", body: WithSecret } },
    handle: (call) =>
      call.write(async (tx) => {
        const request = { ...deps, id: call.params.clientId, ifMatch: call.ifMatch };
        const { client, secret } = await rotateClientSecret(tx, call, request);
        return versioned(201, { ...bodyOf(client), clientSecret: secret });
      }),
  });

const changeRoute = (deps: CommandDeps): Route =>
  route({
    method: "PATCH",
    path: "/v1/clients/{clientId}",
    operationId: "changeClient",
    tag,
    summary: "Change the name or the redirect URIs of an OAuth client",
    rule: WRITE,
    params,
    body: z.strictObject({
      name: Name.optional(),
      redirectUris: RedirectUris.optional(),
      postLogoutRedirectUris: LogoutUris.optional(),
    }),
    ifMatch: "required",
    responses: { 200: { description: "Changed", body: ClientBody } },
    handle: (call) =>
      call.write(async (tx) => {
        const {
          ifMatch,
          body,
          params: { clientId: id },
        } = call;
        return versioned(200, bodyOf(await changeClient(tx, call, { ...deps, id, ifMatch, body })));
      }),
  });

const deleteRoute = (deps: CommandDeps): Route =>
  route({
    method: "DELETE",
    path: "/v1/clients/{clientId}",
    operationId: "deleteClient",
    tag,
    summary: "Delete an OAuth client and end its sessions",
    rule: WRITE,
    params,
    ifMatch: "required",
    responses: { 204: { description: "Deleted" } },
    async handle(call) {
      const origin = originOf(call);
      const request = { ...deps, id: call.params.clientId, ifMatch: call.ifMatch, origin };
      let ended: EndedSessions[] = [];
      const response = await call.write(async (tx) => {
        ended = await removeClient(tx, call, request);
        return { status: 204 };
      });
      for (const { accountId, ids } of ended) deps.sessions.announceEnd(accountId, ids, origin);
      return response;
    },
  });
