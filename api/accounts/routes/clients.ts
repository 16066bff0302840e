import { z } from "zod";

import { cutPage, decodeCursor } from "#platform/http/cursor.ts";
import { etagOf } from "#platform/http/etag.ts";
import { type Route, route } from "#platform/http/route.ts";
import { Timestamp, idOf, pageOf, pageQuery, text, iso } from "#platform/http/schema.ts";

import { type CommandDeps, found } from "../commands/call-context.ts";
import {
  type EndedSessions,
  changeClient,
  createClient,
  removeClient,
  rotateClientSecret,
} from "../commands/change-clients.ts";
import { originOf } from "../deps.ts";
import { type OAuthClient, redirectUriError } from "../domain/clients.ts";
import { QUARTERDECK } from "../domain/products.ts";
import { listClients, readClient } from "../repositories/clients.ts";
import { ByAge, Slug } from "./identity-wire.ts";

const Uri = z
  .string()
  .max(500)
  .superRefine((uri, context) => {
    const message = redirectUriError(uri);
    if (message !== undefined) context.addIssue({ code: "custom", message });
  })
  .meta({ example: "https://shop.example/signed-in" });

const Answer = z
  .strictObject({
    id: z.string(),
    product: z.string(),
    name: z.string(),
    kind: z.enum(["confidential", "public"]),
    redirectUris: z.array(z.string()),
    postLogoutRedirectUris: z.array(z.string()),
    version: z.int(),
    createdBy: z.string(),
    createdAt: Timestamp,
    updatedAt: Timestamp,
  })
  .meta({ id: "OAuthClient" });
const WithSecret = Answer.extend({ clientSecret: z.string().nullable() });

const answerOf = (client: OAuthClient) => ({
  id: client.id,
  product: client.product,
  name: client.name,
  kind: client.kind,
  redirectUris: [...client.redirectUris],
  postLogoutRedirectUris: [...client.postLogoutRedirectUris],
  version: client.version,
  createdBy: client.createdBy,
  createdAt: iso(client.createdAtMs),
  updatedAt: iso(client.updatedAtMs),
});

const READ = { allow: "permission", permission: "accounts:clients:read" } as const;
const WRITE = { allow: "permission", permission: "accounts:clients:write" } as const;
const Params = z.strictObject({ clientId: idOf("cli") });
const tag = "OAuth clients";

/** Programs that people sign in to through us. */
export const clientRoutes = (deps: CommandDeps): Route[] => [
  route({
    method: "GET",
    path: "/v1/clients",
    operationId: "listClients",
    tag,
    summary: "Clients, the oldest first",
    rule: READ,
    query: pageQuery({}),
    reads: "replica",
    answers: { 200: { description: "A page of clients", body: pageOf(Answer) } },
    async handle({ query, read }) {
      const after = decodeCursor(ByAge, query.cursor);
      const rows = await listClients(read, { after, limit: query.limit });
      const page = { item: answerOf, cursor: (it: OAuthClient) => [it.createdAtMs, it.id] };
      return { status: 200, body: cutPage(rows, query.limit, page) };
    },
  }),
  route({
    method: "GET",
    path: "/v1/clients/{clientId}",
    operationId: "readClient",
    tag,
    summary: "A client",
    rule: READ,
    params: Params,
    answers: { 200: { description: "The client", body: Answer } },
    async handle({ params, read }) {
      const client = found(await readClient(read, params.clientId), "client");
      return { status: 200, headers: etagOf(client.version), body: answerOf(client) };
    },
  }),
  ...secrets(deps),
  ...changes(deps),
];

const secrets = (deps: CommandDeps): Route[] => [
  route({
    method: "POST",
    path: "/v1/clients",
    operationId: "createClient",
    tag,
    summary: "Registers a client; a confidential one's secret is shown in this answer only",
    description:
      "Clients are first-party: whoever signs in through one is not asked for consent, and it acts with all that they may do on its product. Register only what you trust with that.",
    rule: WRITE,
    body: z.strictObject({
      name: text({ max: 100 }),
      product: Slug.default(QUARTERDECK),
      kind: z.enum(["confidential", "public"]),
      redirectUris: z.array(Uri).min(1).max(20),
      postLogoutRedirectUris: z.array(Uri).max(20).default([]),
    }),
    idempotency: "optional",
    answers: { 201: { description: "Registered", body: WithSecret } },
    handle: (call) =>
      call.write(async (tx) => {
        const { client, secret } = await createClient(tx, call, { ...deps, body: call.body });
        const body = { ...answerOf(client), clientSecret: secret ?? null };
        return { status: 201, headers: etagOf(client.version), body };
      }),
  }),
  route({
    method: "POST",
    path: "/v1/clients/{clientId}/secrets",
    operationId: "renewClientSecret",
    tag,
    summary: "Gives a confidential client a new secret; the old one is refused from now on",
    rule: WRITE,
    params: Params,
    idempotency: "optional",
    ifMatch: "optional",
    answers: { 201: { description: "Made", body: WithSecret } },
    handle: (call) =>
      call.write(async (tx) => {
        const request = { ...deps, id: call.params.clientId, ifMatch: call.ifMatch };
        const { client, secret } = await rotateClientSecret(tx, call, request);
        const body = { ...answerOf(client), clientSecret: secret };
        return { status: 201, headers: etagOf(client.version), body };
      }),
  }),
];

const changes = (deps: CommandDeps): Route[] => [
  route({
    method: "PATCH",
    path: "/v1/clients/{clientId}",
    operationId: "changeClient",
    tag,
    summary: "Changes a client's name or addresses",
    rule: WRITE,
    params: Params,
    body: z.strictObject({
      name: text({ max: 100 }).optional(),
      redirectUris: z.array(Uri).min(1).max(20).optional(),
      postLogoutRedirectUris: z.array(Uri).max(20).optional(),
    }),
    ifMatch: "required",
    answers: { 200: { description: "Changed", body: Answer } },
    handle: (call) =>
      call.write(async (tx) => {
        const { ifMatch, body, params } = call;
        const client = await changeClient(tx, call, {
          ...deps,
          id: params.clientId,
          ifMatch,
          body,
        });
        return { status: 200, headers: etagOf(client.version), body: answerOf(client) };
      }),
  }),
  route({
    method: "DELETE",
    path: "/v1/clients/{clientId}",
    operationId: "deleteClient",
    tag,
    summary: "Deletes a client, and ends the sessions that people have through it",
    rule: WRITE,
    params: Params,
    ifMatch: "required",
    answers: { 204: { description: "Gone" } },
    async handle(call) {
      const origin = originOf(call);
      const request = { ...deps, id: call.params.clientId, ifMatch: call.ifMatch, origin };
      let ended: EndedSessions[] = [];
      const answer = await call.write(async (tx) => {
        ended = await removeClient(tx, call, request);
        return { status: 204 };
      });
      for (const { accountId, ids } of ended) deps.sessions.announceEnd(accountId, ids, origin);
      return answer;
    },
  }),
];
