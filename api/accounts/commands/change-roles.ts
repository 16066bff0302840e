import { AppError } from "#platform/errors.ts";
import { checkVersion } from "#platform/http/etag.ts";
import { newId } from "#platform/ids.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import { readProduct } from "../repositories/products.ts";
import { type Role, deleteRole, insertRole, readRole, updateRole } from "../repositories/roles.ts";
import { type CallContext, type CommandDeps, found, nameTaken } from "./call-context.ts";
import { checkDelegation, checkInCatalogue, checkScopeLength } from "./check-delegation.ts";

type NewRole = { name: string; description: string; permissions: string[] };

/** A role has no end, so the caller must hold its permissions without an end. */
export async function createRole(
  tx: Queryable,
  call: CallContext,
  { audit, slug, body }: CommandDeps & { slug: string; body: NewRole },
): Promise<Role> {
  const product = found(await readProduct(tx, slug, "FOR SHARE"), "product");
  checkInCatalogue(product, body.permissions);
  const delegated = { product: slug, permissions: body.permissions, untilMs: undefined };
  await checkDelegation(tx, call, delegated);
  const created = { id: newId("rol"), productId: product.id, createdAtMs: call.nowMs };
  const role = await insertRole(tx, { ...body, ...created });
  if (role === undefined) throw nameTaken("name", `${slug} already has a role ${body.name}.`);
  const detail = { product: slug, name: body.name, permissions: body.permissions };
  await audit(tx, call, { action: "role.create", target: role.id, detail });
  return role;
}

type RoleRequest = CommandDeps & { id: string; ifMatch: number | undefined };
type RoleChange = { description?: string | undefined; permissions?: string[] | undefined };

/** The caller must hold the permissions that are added, as everybody with the role gets them. */
export async function changeRole(
  tx: Queryable,
  call: CallContext,
  { body, ...request }: RoleRequest & { body: RoleChange },
): Promise<Role> {
  const { audit, id } = request;
  const before = await lockRole(tx, request);
  const permissions = body.permissions ?? before.permissions;
  const product = found(await readProduct(tx, before.product), "product");
  checkInCatalogue(product, permissions);
  const added = permissions.filter((it) => !before.permissions.includes(it));
  const delegated = { product: product.slug, permissions: added, untilMs: undefined };
  await checkDelegation(tx, call, delegated);
  const role = await updateRole(tx, id, { ...body, nowMs: call.nowMs });
  if (added.length > 0) await checkScopeLength(tx, call, { productId: product.id, roleId: id });
  await audit(tx, call, {
    action: "role.change",
    target: id,
    detail: { product: before.product, name: before.name, before: before.permissions, permissions },
  });
  return role;
}

export async function removeRole(
  tx: Queryable,
  call: CallContext,
  request: RoleRequest,
): Promise<void> {
  const { product, name, permissions } = await lockRole(tx, request);
  const { audit, id } = request;
  if (!(await deleteRole(tx, id))) {
    throw new AppError("conflict", `The role ${name} is granted: delete its grants first.`);
  }
  await audit(tx, call, {
    action: "role.delete",
    target: id,
    detail: { product, name, permissions },
  });
}

/** Locks the product before the role, as everywhere, to prevent deadlocks. */
async function lockRole(tx: Queryable, { id, ifMatch }: RoleRequest): Promise<Role> {
  const { product } = found(await readRole(tx, id), "role");
  await readProduct(tx, product, "FOR SHARE");
  const role = found(await readRole(tx, id, "FOR UPDATE"), "role");
  checkVersion(ifMatch, role.version);
  return role;
}
