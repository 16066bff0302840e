import { z } from "zod";

import { cutPage, decodeCursor } from "#platform/http/cursor.ts";
import { etagOf } from "#platform/http/etag.ts";
import { type Route, route } from "#platform/http/route.ts";
import { Timestamp, idOf, pageOf, pageQuery, iso } from "#platform/http/schema.ts";

import { type CommandDeps, found } from "../commands/call-context.ts";
import { changeRole, createRole, removeRole } from "../commands/change-roles.ts";
import type { Role } from "../domain/products.ts";
import { readProduct } from "../repositories/products.ts";
import { listRoles, readRole } from "../repositories/roles.ts";
import { ByName, PermissionNames, Slug, Words, auditRefusal } from "./identity-wire.ts";

const RoleAnswer = z
  .strictObject({
    id: z.string(),
    product: z.string(),
    name: z.string(),
    description: z.string(),
    permissions: z.array(z.string()),
    version: z.int(),
    createdAt: Timestamp,
    updatedAt: Timestamp,
  })
  .meta({ id: "Role" });

const answerOf = (role: Role) => ({
  id: role.id,
  product: role.product,
  name: role.name,
  description: role.description,
  permissions: [...role.permissions],
  version: role.version,
  createdAt: iso(role.createdAtMs),
  updatedAt: iso(role.updatedAtMs),
});

const READ = { allow: "permission", permission: "accounts:products:read" } as const;
const WRITE = { allow: "permission", permission: "accounts:products:write" } as const;
const OfProduct = z.strictObject({ product: Slug });
const Params = z.strictObject({ roleId: idOf("rol") });
const tag = "Roles";

/** Named sets of permissions of a product. */
export const roleRoutes = (deps: CommandDeps): Route[] => [
  route({
    method: "GET",
    path: "/v1/products/{product}/roles",
    operationId: "listRoles",
    tag,
    summary: "Roles of a product, by name",
    rule: READ,
    params: OfProduct,
    query: pageQuery({}),
    reads: "replica",
    answers: { 200: { description: "A page of roles", body: pageOf(RoleAnswer) } },
    async handle({ params, query, read }) {
      const [after] = decodeCursor(ByName, query.cursor) ?? [""];
      const { id: productId } = found(await readProduct(read, params.product), "product");
      const rows = await listRoles(read, { productId, after, limit: query.limit });
      const page = { item: answerOf, cursor: (it: Role) => [it.name] };
      return { status: 200, body: cutPage(rows, query.limit, page) };
    },
  }),
  route({
    method: "POST",
    path: "/v1/products/{product}/roles",
    operationId: "createRole",
    tag,
    summary: "Makes a role",
    description: "You can only put into it what you hold yourself, without an end.",
    rule: WRITE,
    params: OfProduct,
    body: z.strictObject({
      name: Slug,
      description: Words.default(""),
      permissions: PermissionNames,
    }),
    idempotency: "optional",
    answers: { 201: { description: "Made", body: RoleAnswer } },
    handle: (call) =>
      auditRefusal(
        deps,
        call,
        call.write(async (tx) => {
          const request = { ...deps, slug: call.params.product, body: call.body };
          const role = await createRole(tx, call, request);
          return { status: 201, headers: etagOf(role.version), body: answerOf(role) };
        }),
      ),
  }),
  ...oneRole(deps),
  ...deletingRoles(deps),
];

const oneRole = (deps: CommandDeps): Route[] => [
  route({
    method: "GET",
    path: "/v1/roles/{roleId}",
    operationId: "readRole",
    tag,
    summary: "A role",
    rule: READ,
    params: Params,
    answers: { 200: { description: "The role", body: RoleAnswer } },
    async handle({ params, read }) {
      const role = found(await readRole(read, params.roleId), "role");
      return { status: 200, headers: etagOf(role.version), body: answerOf(role) };
    },
  }),
  route({
    method: "PATCH",
    path: "/v1/roles/{roleId}",
    operationId: "changeRole",
    tag,
    summary: "Changes a role, for all who have it",
    description: "It takes effect for each of them when their access token is made next.",
    rule: WRITE,
    params: Params,
    body: z.strictObject({
      description: Words.optional(),
      permissions: PermissionNames.optional(),
    }),
    ifMatch: "required",
    answers: { 200: { description: "Changed", body: RoleAnswer } },
    handle: (call) =>
      auditRefusal(
        deps,
        call,
        call.write(async (tx) => {
          const { ifMatch, body } = call;
          const role = await changeRole(tx, call, {
            ...deps,
            id: call.params.roleId,
            ifMatch,
            body,
          });
          return { status: 200, headers: etagOf(role.version), body: answerOf(role) };
        }),
      ),
  }),
];

const deletingRoles = (deps: CommandDeps): Route[] => [
  route({
    method: "DELETE",
    path: "/v1/roles/{roleId}",
    operationId: "deleteRole",
    tag,
    summary: "Deletes a role that nobody has",
    rule: WRITE,
    params: Params,
    ifMatch: "required",
    answers: { 204: { description: "Gone" } },
    handle: (call) =>
      call.write(async (tx) => {
        await removeRole(tx, call, { ...deps, id: call.params.roleId, ifMatch: call.ifMatch });
        return { status: 204 };
      }),
  }),
];
