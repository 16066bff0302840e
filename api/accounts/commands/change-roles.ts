import { AppError } from "#platform/errors.ts";
import { checkVersion } from "#platform/http/etag.ts";
import { newId } from "#platform/ids.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import type { Role } from "../domain/products.ts";
import { readProduct } from "../repositories/products.ts";
import { deleteRole, insertRole, readRole, updateRole } from "../repositories/roles.ts";
import { type Act, type CommandDeps, found, nameTaken } from "./call-context.ts";
import { checkScopeLength, checkInCatalogue, checkDelegation } from "./check-delegation.ts";

export type NewRole = { name: string; description: string; permissions: readonly string[] };

/** A role is for good, so whoever writes a permission into it must hold that for good. */
export async function createRole(
  tx: Queryable,
  act: Act,
  { audit, slug, body }: CommandDeps & { slug: string; body: NewRole },
): Promise<Role> {
  const product = found(await readProduct(tx, slug, "for share"), "product");
  checkInCatalogue(product, body.permissions);
  const give = { product: slug, permissions: body.permissions, untilMs: undefined };
  await checkDelegation(tx, act, give);
  const id = newId("rol");
  const role = { ...body, id, productId: product.id, createdAtMs: act.nowMs };
  if (!(await insertRole(tx, role))) {
    throw nameTaken("name", `${slug} has a role ${body.name} already.`);
  }
  await audit(tx, act, {
    action: "role.create",
    target: id,
    detail: { product: slug, name: body.name, permissions: body.permissions },
  });
  return found(await readRole(tx, id), "role");
}

type RoleRequest = CommandDeps & { id: string; ifMatch: number | undefined };

/** Whoever has the role gets what is added to it, so the one who adds it must hold it. */
export async function changeRole(
  tx: Queryable,
  act: Act,
  request: RoleRequest & {
    body: { description?: string | undefined; permissions?: readonly string[] | undefined };
  },
): Promise<Role> {
  const { audit, id, ifMatch, body } = request;
  const before = await lockRole(tx, id);
  checkVersion(ifMatch, before.version);
  const permissions = body.permissions ?? before.permissions;
  const product = found(await readProduct(tx, before.product), "product");
  checkInCatalogue(product, permissions);
  const added = permissions.filter((it) => !before.permissions.includes(it));
  await checkDelegation(tx, act, { product: product.slug, permissions: added, untilMs: undefined });
  const description = body.description ?? before.description;
  await updateRole(tx, { id, description, permissions }, act.nowMs);
  if (added.length > 0) await checkScopeLength(tx, act, { productId: product.id, roleId: id });
  await audit(tx, act, {
    action: "role.change",
    target: id,
    detail: { product: before.product, name: before.name, before: before.permissions, permissions },
  });
  return found(await readRole(tx, id), "role");
}

export async function removeRole(
  tx: Queryable,
  act: Act,
  { audit, id, ifMatch }: RoleRequest,
): Promise<void> {
  const role = await lockRole(tx, id);
  checkVersion(ifMatch, role.version);
  if (!(await deleteRole(tx, id))) {
    throw new AppError("conflict", `Somebody has the role ${role.name}: take it from them first.`);
  }
  await audit(tx, act, {
    action: "role.delete",
    target: id,
    detail: { product: role.product, name: role.name, permissions: role.permissions },
  });
}

/** The product first, then the role: whoever changes either does it in this order, so nobody waits in a circle. */
async function lockRole(tx: Queryable, id: string): Promise<Role> {
  const { product } = found(await readRole(tx, id), "role");
  await readProduct(tx, product, "for share");
  return found(await readRole(tx, id, "for update"), "role");
}
