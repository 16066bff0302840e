import { AppError } from "#platform/errors.ts";
import { checkVersion } from "#platform/http/etag.ts";
import { newId } from "#platform/ids.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import { type Permission, type Product, removedPermissions } from "../domain/products.ts";
import { insertGrant } from "../repositories/grants.ts";
import {
  insertProduct,
  permissionsInUse,
  readProduct,
  updateProduct,
} from "../repositories/products.ts";
import { type Act, type CommandDeps, found, nameTaken, invalidField } from "./call-context.ts";

export type NewProduct = {
  slug: string;
  name: string;
  description: string;
  permissions: readonly Permission[];
};

/** Makes a product; whoever makes it holds all its permissions, else only the root key could grant them. */
export async function createProduct(
  tx: Queryable,
  act: Act,
  { audit, body }: CommandDeps & { body: NewProduct },
): Promise<Product> {
  const product = await insertProduct(tx, {
    ...body,
    id: newId("prd"),
    createdAtMs: act.nowMs,
  });
  if (product === undefined) throw nameTaken("slug", `There is a product ${body.slug} already.`);
  const permissions = body.permissions.map((it) => it.name);
  if (act.caller.kind !== "root" && permissions.length > 0) {
    await insertGrant(tx, {
      id: newId("grt"),
      subjectId: act.caller.id,
      productId: product.id,
      roleId: null,
      permissions,
      expiresAtMs: null,
      reason: "made the product",
      grantedBy: act.caller.id,
      createdAtMs: act.nowMs,
    });
  }
  await audit(tx, act, {
    action: "product.create",
    target: product.id,
    detail: { slug: product.slug, permissions },
  });
  return product;
}

export type ProductChange = {
  name?: string | undefined;
  description?: string | undefined;
  permissions?: readonly Permission[] | undefined;
};

/** @throws AppError conflict for a permission that is taken out while a role or a grant has it */
export async function changeProduct(
  tx: Queryable,
  act: Act,
  request: CommandDeps & { slug: string; ifMatch: number | undefined; body: ProductChange },
): Promise<Product> {
  const { audit, slug, ifMatch, body } = request;
  const before = found(await readProduct(tx, slug, "for update"), "product");
  checkVersion(ifMatch, before.version);
  if (body.permissions !== undefined) await checkCatalogue(tx, before, body.permissions);
  const after = await updateProduct(
    tx,
    {
      ...before,
      name: body.name ?? before.name,
      description: body.description ?? before.description,
      permissions: body.permissions ?? before.permissions,
    },
    act.nowMs,
  );
  await audit(tx, act, {
    action: "product.change",
    target: after.id,
    detail: { slug, version: after.version },
  });
  return after;
}

async function checkCatalogue(
  tx: Queryable,
  product: Product,
  permissions: readonly Permission[],
): Promise<void> {
  if (product.permissions === null) {
    const message = `the permissions of ${product.slug} are those of its services: they are not listed here`;
    throw invalidField("permissions", "fixed", message);
  }
  const removed = removedPermissions(product.permissions, permissions);
  const used = await permissionsInUse(tx, product.id, removed);
  if (used.length === 0) return;
  throw new AppError(
    "conflict",
    `Roles or grants still have ${used.slice(0, 20).join(", ")}: take it out of them first.`,
  );
}
