import { z } from "zod";

import { decodeCursor, pageResponse } from "#platform/http/cursor.ts";
import { versioned } from "#platform/http/etag.ts";
import { type Route, route } from "#platform/http/route.ts";
import { Timestamp, idOf, pageOf, pageQuery } from "#platform/http/schema.ts";
import { toBody } from "#platform/http/to-body.ts";

import { type CommandDeps, found } from "../commands/call-context.ts";
import { changeRole, createRole, removeRole } from "../commands/change-roles.ts";
import { readProduct } from "../repositories/products.ts";
import { type Role, listRoles, readRole } from "../repositories/roles.ts";
import { ByName, Description, PermissionNames, Slug, auditRefusal } from "./wire.ts";

const RoleBody = z
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

const bodyOf = (it: Role) => toBody(RoleBody, it);

const READ = { allow: "permission", permission: "accounts:products:read" } as const;
const WRITE = { allow: "permission", permission: "accounts:products:write" } as const;
const OfProduct = z.strictObject({ product: Slug });
const params = z.strictObject({ roleId: idOf("rol") });
const tag = "Roles";

export const roleRoutes = (deps: CommandDeps): Route[] => [
  listRoute,
  createRoute(deps),
  readRoute,
  changeRoute(deps),
  deleteRoute(deps),
];

const listRoute = route({
  method: "GET",
  path: "/v1/products/{product}/roles",
  operationId: "listRoles",
  tag,
  summary: "List the roles of a product by name",
  rule: READ,
  params: OfProduct,
  query: pageQuery({}),
  reads: "replica",
  responses: { 200: { description: "A page of roles", body: pageOf(RoleBody) } },
  async handle({ params: { product }, query, read }) {
    const [after] = decodeCursor(ByName, query.cursor) ?? [""];
    const { id: productId } = found(await readProduct(read, product), "product");
    const rows = await listRoles(read, { productId, after, limit: query.limit });
    return pageResponse(rows, query, { item: bodyOf, cursor: (it) => [it.name] });
  },
});

const createRoute = (deps: CommandDeps): Route =>
  route({
    method: "POST",
    path: "/v1/products/{product}/roles",
    operationId: "createRole",
    tag,
    summary: "Create a role",
    description: "The caller must hold its permissions, without an end.",
    rule: WRITE,
    params: OfProduct,
    body: z.strictObject({
      name: Slug,
      description: Description.default(""),
      permissions: PermissionNames,
    }),
    idempotency: "optional",
    responses: { 201: { description: "Created", body: RoleBody } },
    handle: (call) =>
      auditRefusal(
        deps,
        call,
        call.write(async (tx) => {
          const request = { ...deps, slug: call.params.product, body: call.body };
          return versioned(201, bodyOf(await createRole(tx, call, request)));
        }),
      ),
  });

const readRoute = route({
  method: "GET",
  path: "/v1/roles/{roleId}",
  operationId: "readRole",
  tag,
  summary: "Get a role",
  rule: READ,
  params,
  responses: { 200: { description: "The role", body: RoleBody } },
  handle: async ({ params: { roleId }, read }) =>
    versioned(200, bodyOf(found(await readRole(read, roleId), "role"))),
});

const changeRoute = (deps: CommandDeps): Route =>
  route({
    method: "PATCH",
    path: "/v1/roles/{roleId}",
    operationId: "changeRole",
    tag,
    summary: "Change a role for everybody who has it",
    description: "For each of them, the change takes effect with their next access token.",
    rule: WRITE,
    params,
    body: z.strictObject({
      description: Description.optional(),
      permissions: PermissionNames.optional(),
    }),
    ifMatch: "required",
    responses: { 200: { description: "Changed", body: RoleBody } },
    handle: (call) =>
      auditRefusal(
        deps,
        call,
        call.write(async (tx) => {
          const {
            ifMatch,
            body,
            params: { roleId: id },
          } = call;
          return versioned(200, bodyOf(await changeRole(tx, call, { ...deps, id, ifMatch, body })));
        }),
      ),
  });

const deleteRoute = (deps: CommandDeps): Route =>
  route({
    method: "DELETE",
    path: "/v1/roles/{roleId}",
    operationId: "deleteRole",
    tag,
    summary: "Delete a role that is not granted",
    rule: WRITE,
    params,
    ifMatch: "required",
    responses: { 204: { description: "Deleted" } },
    handle: (call) =>
      call.write(async (tx) => {
        await removeRole(tx, call, { ...deps, id: call.params.roleId, ifMatch: call.ifMatch });
        return { status: 204 };
      }),
  });
