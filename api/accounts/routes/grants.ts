import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import { holds, mayActFor } from "#platform/http/caller.ts";
import { cutPage, decodeCursor } from "#platform/http/cursor.ts";
import { etagOf } from "#platform/http/etag.ts";
import { type Route, route } from "#platform/http/route.ts";
import { Timestamp, idOf, pageOf, pageQuery, text, iso, isoOrNull } from "#platform/http/schema.ts";

import { type CommandDeps, found } from "../commands/call-context.ts";
import { changeGrant, createGrant, removeGrant } from "../commands/change-grants.ts";
import { type Grant, QUARTERDECK } from "../domain/products.ts";
import { listGrants, readGrant } from "../repositories/grants.ts";
import { heldPermissions } from "../repositories/permissions.ts";
import { ByAge, PermissionNames, Slug, SubjectId, Until, auditRefusal } from "./identity-wire.ts";

const GrantAnswer = z
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

const HeldAnswer = z
  .strictObject({
    subjectId: z.string(),
    product: z.string(),
    permissions: z.array(z.strictObject({ name: z.string(), until: Timestamp.nullable() })),
  })
  .meta({ id: "HeldPermissions" });

const answerOf = (grant: Grant) => ({
  id: grant.id,
  subjectId: grant.subjectId,
  product: grant.product,
  role: grant.role,
  permissions: [...grant.permissions],
  expiresAt: isoOrNull(grant.expiresAtMs),
  reason: grant.reason,
  grantedBy: grant.grantedBy,
  version: grant.version,
  createdAt: iso(grant.createdAtMs),
  updatedAt: iso(grant.updatedAtMs),
});

const PERMISSION = "accounts:grants:read";
const OWN_OR = { allow: "own-or", permission: PERMISSION } as const;
const WRITE = { allow: "permission", permission: "accounts:grants:write" } as const;
const Params = z.strictObject({ grantId: idOf("grt") });
const LATER =
  "An access token that was made before keeps what it says until it expires, at most ten minutes; the next refresh brings the change.";
const tag = "Grants";

/** Who may do what on which product. */
export const grantRoutes = (deps: CommandDeps): Route[] => [
  route({
    method: "GET",
    path: "/v1/grants",
    operationId: "listGrants",
    tag,
    summary: "Grants, the oldest first; without the permission, only your own",
    rule: OWN_OR,
    query: pageQuery({ subjectId: SubjectId.optional(), product: Slug.optional() }),
    reads: "replica",
    answers: { 200: { description: "A page of grants", body: pageOf(GrantAnswer) } },
    async handle({ query, read, caller }) {
      const all = holds(caller, PERMISSION);
      if (!all && query.subjectId !== undefined && query.subjectId !== caller.id) {
        throw new AppError("not_found", "There is no such account.");
      }
      const rows = await listGrants(read, {
        subjectId: all ? query.subjectId : caller.id,
        product: query.product,
        after: decodeCursor(ByAge, query.cursor),
        limit: query.limit,
      });
      const page = { item: answerOf, cursor: (it: Grant) => [it.createdAtMs, it.id] };
      return { status: 200, body: cutPage(rows, query.limit, page) };
    },
  }),
  route({
    method: "GET",
    path: "/v1/permissions",
    operationId: "readPermissions",
    tag,
    summary:
      "What an account or service account holds on a product now: you yourself, or any by permission",
    rule: OWN_OR,
    query: z.strictObject({
      subjectId: SubjectId,
      product: Slug.default(QUARTERDECK),
    }),
    answers: { 200: { description: "The permissions", body: HeldAnswer } },
    async handle({ query, read, caller, nowMs }) {
      const { subjectId, product } = query;
      if (subjectId !== caller.id && !holds(caller, PERMISSION)) {
        throw new AppError("not_found", "There is no such account.");
      }
      const held = await heldPermissions(read, subjectId, { product, nowMs });
      const permissions = held.map((it) => ({
        name: it.permission,
        until: isoOrNull(it.untilMs ?? null),
      }));
      return { status: 200, body: { subjectId, product, permissions } };
    },
  }),
  ...givingGrants(deps),
  ...changingGrants(deps),
];

const GRANT_EXAMPLE = {
  subjectId: `acc_${"0".repeat(24)}`,
  permissions: ["billing:invoices:read"],
  reason: "Helps with the books",
};

const givingGrants = (deps: CommandDeps): Route[] => [
  route({
    method: "POST",
    path: "/v1/grants",
    operationId: "createGrant",
    tag,
    summary: "Gives a role or permissions on a product to an account or a service account",
    description: `You can only give what you hold yourself, and for no longer. ${LATER}`,
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
        error: "give a role, or permissions, or both",
      })
      .meta({ example: GRANT_EXAMPLE }),
    idempotency: "optional",
    answers: { 201: { description: "Granted", body: GrantAnswer } },
    handle: (call) =>
      auditRefusal(
        deps,
        call,
        call.write(async (tx) => {
          const { expiresAt: expiresAtMs, ...rest } = call.body;
          const grant = await createGrant(tx, call, { ...deps, body: { ...rest, expiresAtMs } });
          return { status: 201, headers: etagOf(grant.version), body: answerOf(grant) };
        }),
      ),
  }),
  route({
    method: "GET",
    path: "/v1/grants/{grantId}",
    operationId: "readGrant",
    tag,
    summary: "A grant",
    rule: OWN_OR,
    params: Params,
    answers: { 200: { description: "The grant", body: GrantAnswer } },
    async handle({ params, read, caller }) {
      const grant = found(await readGrant(read, params.grantId), "grant");
      const mine = grant.subjectId === caller.id || mayActFor(caller, grant.subjectId, PERMISSION);
      return {
        status: 200,
        headers: etagOf(grant.version),
        body: answerOf(found(mine ? grant : undefined, "grant")),
      };
    },
  }),
];

const changingGrants = (deps: CommandDeps): Route[] => [
  route({
    method: "PATCH",
    path: "/v1/grants/{grantId}",
    operationId: "changeGrant",
    tag,
    summary: "Changes what a grant permits, or until when",
    description: `What is added, or lasts longer, you must hold yourself. ${LATER}`,
    rule: WRITE,
    params: Params,
    body: z.strictObject({
      permissions: PermissionNames.optional(),
      expiresAt: Until.nullable().optional(),
      reason: text({ max: 500 }),
    }),
    ifMatch: "required",
    answers: { 200: { description: "Changed", body: GrantAnswer } },
    handle: (call) =>
      auditRefusal(
        deps,
        call,
        call.write(async (tx) => {
          const { expiresAt: expiresAtMs, ...rest } = call.body;
          const { ifMatch } = call;
          const id = call.params.grantId;
          const grant = await changeGrant(tx, call, {
            ...deps,
            id,
            ifMatch,
            body: { ...rest, expiresAtMs },
          });
          return { status: 200, headers: etagOf(grant.version), body: answerOf(grant) };
        }),
      ),
  }),
  route({
    method: "DELETE",
    path: "/v1/grants/{grantId}",
    operationId: "deleteGrant",
    tag,
    summary: "Takes a grant back",
    description: LATER,
    rule: WRITE,
    params: Params,
    ifMatch: "required",
    answers: { 204: { description: "Taken back" } },
    handle: (call) =>
      call.write(async (tx) => {
        await removeGrant(tx, call, { ...deps, id: call.params.grantId, ifMatch: call.ifMatch });
        return { status: 204 };
      }),
  }),
];
