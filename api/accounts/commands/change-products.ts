import { AppError } from "#platform/errors.ts";
import { checkVersion } from "#platform/http/etag.ts";
import { newId } from "#platform/ids.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import { removedPermissions } from "../domain/products.ts";
import { insertGrant } from "../repositories/grants.ts";
import {
  type Product,
  insertProduct,
  permissionsInUse,
  readProduct,
  updateProduct,
} from "../repositories/products.ts";
import {
  type CallContext,
  type CommandDeps,
  found,
  invalidField,
  nameTaken,
} from "./call-context.ts";

type Permissions = NonNullable<Product["permissions"]>;
type NewProduct = Pick<Product, "slug" | "name" | "description"> & { permissions: Permissions };

/** Creates a product and grants all its permissions to the caller, as otherwise only the root key could grant them. */
export async function createProduct(
  tx: Queryable,
  call: CallContext,
  { audit, body }: CommandDeps & { body: NewProduct },
): Promise<Product> {
  const product = await insertProduct(tx, {
    ...body,
    id: newId("prd"),
    createdAtMs: call.nowMs,
  });
  if (product === undefined) throw nameTaken("slug", `The product ${body.slug} exists already.`);
  const permissions = body.permissions.map((it) => it.name);
  if (call.caller.kind !== "root" && permissions.length > 0) {
    await insertGrant(tx, {
      id: newId("grt"),
      subjectId: call.caller.id,
      productId: product.id,
      roleId: null,
      permissions,
      expiresAtMs: null,
      reason: "created the product",
      grantedBy: call.caller.id,
      createdAtMs: call.nowMs,
    });
  }
  await audit(tx, call, {
    action: "product.create",
    target: product.id,
    detail: { slug: product.slug, permissions },
  });
  return product;
}

type ProductChange = {
  name?: string | undefined;
  description?: string | undefined;
  permissions?: Permissions | undefined;
};

/** @throws AppError conflict for removing a permission that a role or a grant contains */
export async function changeProduct(
  tx: Queryable,
  call: CallContext,
  request: CommandDeps & { slug: string; ifMatch: number | undefined; body: ProductChange },
): Promise<Product> {
  const { audit, slug, ifMatch, body } = request;
  const before = found(await readProduct(tx, slug, "FOR UPDATE"), "product");
  checkVersion(ifMatch, before.version);
  if (body.permissions !== undefined) await checkCatalogue(tx, before, body.permissions);
  const after = await updateProduct(tx, before.id, { ...body, nowMs: call.nowMs });
  const detail = { slug, version: after.version };
  await audit(tx, call, { action: "product.change", target: after.id, detail });
  return after;
}

async function checkCatalogue(
  tx: Queryable,
  product: Product,
  permissions: Permissions,
): Promise<void> {
  if (product.permissions === null) {
    const message = `the permissions of ${product.slug} are defined by its services`;
    throw invalidField("permissions", "fixed", message);
  }
  const removed = removedPermissions(product.permissions, permissions);
  const used = await permissionsInUse(tx, product.id, removed);
  if (used.length === 0) return;
  throw new AppError(
    "conflict",
    `Roles or grants contain ${used.slice(0, 20).join(", ")}: remove it from them first.`,
  );
}
