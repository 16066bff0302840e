import { z } from "zod";

import { type Caller, holds, mayActFor } from "#platform/http/caller.ts";
import { createdCursor, pageResponse, pageStart } from "#platform/http/cursor.ts";
import { versioned } from "#platform/http/etag.ts";
import { type Route, route } from "#platform/http/route.ts";
import { Timestamp, idOf, isoOrNull, pageOf, pageQuery, text } from "#platform/http/schema.ts";
import { toBody } from "#platform/http/to-body.ts";

import { type CommandDeps, found, notFound } from "../commands/call-context.ts";
import { changeGrant, createGrant, removeGrant } from "../commands/change-grants.ts";
import { QUARTERDECK } from "../domain/products.ts";
import { type Grant, listGrants, readGrant } from "../repositories/grants.ts";
import { heldPermissions } from "../repositories/permissions.ts";
import { PermissionNames, Slug, SubjectId, Until, auditRefusal } from "./wire.ts";

const GrantBody = z
  .strictObject({
    id: z.string(),
    subjectId: z.string(),
    product: z.string(),
    role: z.string().nullable(),
    permissions: z.array(z.string()),
    expiresAt: Timestamp.nullable(),
    reason: z.string(),
    grantedBy: z.string(),
    version: z.int(),
    createdAt: Timestamp,
    updatedAt: Timestamp,
  })
  .meta({ id: "Grant" });

const HeldBody = z
  .strictObject({
    subjectId: z.string(),
    product: z.string(),
    permissions: z.array(z.strictObject({ name: z.string(), until: Timestamp.nullable() })),
  })
  .meta({ id: "HeldPermissions" });

const bodyOf = (it: Grant) => toBody(GrantBody, it);

const PERMISSION = "accounts:grants:read";
const OWN_OR = { allow: "own-or", permission: PERMISSION } as const;
const WRITE = { allow: "permission", permission: "accounts:grants:write" } as const;
const params = z.strictObject({ grantId: idOf("grt") });
const DELAY =
  "Access tokens that were issued before keep their permissions until they expire, at most ten minutes; the next refresh applies the change.";
const tag = "Grants";

/** @throws AppError not_found for another subject without the permission */
function checkSubject(caller: Caller, subjectId: string | undefined): void {
  if (subjectId === undefined || subjectId === caller.id || holds(caller, PERMISSION)) return;
  throw notFound("account");
}

export const grantRoutes = (deps: CommandDeps): Route[] => [
  listRoute,
  permissionsRoute,
  createRoute(deps),
  readRoute,
  changeRoute(deps),
  deleteRoute(deps),
];

const listRoute = route({
  method: "GET",
  path: "/v1/grants",
  operationId: "listGrants",
  tag,
  summary: "List grants, oldest first",
  description: "Without the permission: only the caller's own.",
  rule: OWN_OR,
  query: pageQuery({ subjectId: SubjectId.optional(), product: Slug.optional() }),
  reads: "replica",
  responses: { 200: { description: "A page of grants", body: pageOf(GrantBody) } },
  async handle({ query, read, caller }) {
    checkSubject(caller, query.subjectId);
    const subjectId = holds(caller, PERMISSION) ? query.subjectId : caller.id;
    const { product } = query;
    const rows = await listGrants(read, { ...pageStart(query, "oldest"), subjectId, product });
    return pageResponse(rows, query, { item: bodyOf, cursor: createdCursor });
  },
});

const permissionsRoute = route({
  method: "GET",
  path: "/v1/permissions",
  operationId: "readPermissions",
  tag,
  summary: "Get the current permissions of an account or service account on a product",
  description: "Without the permission: only the caller's own.",
  rule: OWN_OR,
  query: z.strictObject({ subjectId: SubjectId, product: Slug.default(QUARTERDECK) }),
  responses: { 200: { description: "The permissions", body: HeldBody } },
  async handle({ query, read, caller, nowMs }) {
    const { subjectId, product } = query;
    checkSubject(caller, subjectId);
    const held = await heldPermissions(read, subjectId, { product, nowMs });
    const permissions = held.map((it) => ({
      name: it.permission,
      until: isoOrNull(it.untilMs ?? null),
    }));
    return { status: 200, body: { subjectId, product, permissions } };
  },
});

const createRoute = (deps: CommandDeps): Route =>
  route({
    method: "POST",
    path: "/v1/grants",
    operationId: "createGrant",
    tag,
    summary: "Grant a role or permissions on a product to an account or service account",
    description: `The caller must hold what is granted, for at least as long. ${DELAY}`,
    rule: WRITE,
    body: z
      .strictObject({
        subjectId: SubjectId,
        product: Slug.default(QUARTERDECK),
        role: Slug.optional(),
        permissions: PermissionNames.default([]),
        expiresAt: Until.nullable().default(null),
        reason: text({ max: 500 }),
      })
      .refine((it) => it.role !== undefined || it.permissions.length > 0, {
        path: ["role"],
        error: "give a role, permissions, or both",
      })
      .meta({
        example: {
          subjectId: `acc_${"0".repeat(24)}`,
          permissions: ["billing:invoices:read"],
          reason: "Member of the accounting team",
        },
      }),
    idempotency: "optional",
    responses: { 201: { description: "Granted", body: GrantBody } },
    handle: (call) =>
      auditRefusal(
        deps,
        call,
        call.write(async (tx) => {
          const { expiresAt: expiresAtMs, ...rest } = call.body;
          const grant = await createGrant(tx, call, { ...deps, body: { ...rest, expiresAtMs } });
          return versioned(201, bodyOf(grant));
        }),
      ),
  });

const readRoute = route({
  method: "GET",
  path: "/v1/grants/{grantId}",
  operationId: "readGrant",
  tag,
  summary: "Get a grant",
  rule: OWN_OR,
  params,
  responses: { 200: { description: "The grant", body: GrantBody } },
  async handle({ params: { grantId }, read, caller }) {
    const grant = found(await readGrant(read, grantId), "grant");
    const isOwn = grant.subjectId === caller.id;
    if (!isOwn && !mayActFor(caller, grant.subjectId, PERMISSION)) throw notFound("grant");
    return versioned(200, bodyOf(grant));
  },
});

const changeRoute = (deps: CommandDeps): Route =>
  route({
    method: "PATCH",
    path: "/v1/grants/{grantId}",
    operationId: "changeGrant",
    tag,
    summary: "Change the permissions or the expiry of a grant",
    description: `The caller must hold what is added or lasts longer. ${DELAY}`,
    rule: WRITE,
    params,
    body: z.strictObject({
      permissions: PermissionNames.optional(),
      expiresAt: Until.nullable().optional(),
      reason: text({ max: 500 }),
    }),
    ifMatch: "required",
    responses: { 200: { description: "Changed", body: GrantBody } },
    handle: (call) =>
      auditRefusal(
        deps,
        call,
        call.write(async (tx) => {
          const { expiresAt: expiresAtMs, ...rest } = call.body;
          const {
            ifMatch,
            params: { grantId: id },
          } = call;
          const request = { ...deps, id, ifMatch, body: { ...rest, expiresAtMs } };
          return versioned(200, bodyOf(await changeGrant(tx, call, request)));
        }),
      ),
  });

const deleteRoute = (deps: CommandDeps): Route =>
  route({
    method: "DELETE",
    path: "/v1/grants/{grantId}",
    operationId: "deleteGrant",
    tag,
    summary: "Delete a grant",
    description: DELAY,
    rule: WRITE,
    params,
    ifMatch: "required",
    responses: { 204: { description: "Deleted" } },
    handle: (call) =>
      call.write(async (tx) => {
        await removeGrant(tx, call, { ...deps, id: call.params.grantId, ifMatch: call.ifMatch });
        return { status: 204 };
      }),
  });
