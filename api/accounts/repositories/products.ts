import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";
import { type RowOf, json, table, time } from "#platform/postgres/table.ts";

/** In tables with a `product_id`. */
export const PRODUCT_SLUG = z
  .string()
  .meta({ sql: "(SELECT slug FROM products WHERE products.id = product_id)" });

const Permission = z.object({ name: z.string(), description: z.string() });
const products = table("products", {
  id: z.string(),
  slug: z.string(),
  name: z.string(),
  description: z.string(),
  /** null: not limited, as the services of the product define their permissions. */
  permissions: json(z.array(Permission)).nullable(),
  version: z.number(),
  createdAtMs: time,
  updatedAtMs: time,
});
export type Product = RowOf<typeof products>;

export type Lock = "FOR SHARE" | "FOR UPDATE";

export const readProduct = (
  db: Queryable,
  slug: string,
  lock?: Lock,
): Promise<Product | undefined> => products.find(db, { slug }, lock);

/** By slug; one more than `limit`. */
export async function listProducts(
  db: Queryable,
  page: { after: string; limit: number },
): Promise<Product[]> {
  const rows = await db.query(
    `SELECT ${products.columns} FROM products WHERE slug > $1 COLLATE "C" ORDER BY slug COLLATE "C" LIMIT $2`,
    [page.after, page.limit + 1],
  );
  return products.parse(rows);
}

/** @returns undefined if the slug is taken */
export const insertProduct = (
  tx: Queryable,
  it: Omit<Product, "version" | "updatedAtMs">,
): Promise<Product | undefined> =>
  products.insertIfAbsent(tx, { ...it, updatedAtMs: it.createdAtMs });

type ProductChange = {
  [Name in "name" | "description" | "permissions"]?: Product[Name] | undefined;
};

/** Undefined fields stay unchanged. */
export const updateProduct = (
  tx: Queryable,
  id: string,
  { nowMs, ...change }: ProductChange & { nowMs: number },
): Promise<Product> => products.update(tx, { id }, { ...change, updatedAtMs: nowMs });

/** The permissions that a role or a grant of the product contains, in any scope. */
export async function permissionsInUse(
  tx: Queryable,
  productId: string,
  permissions: readonly string[],
): Promise<string[]> {
  const rows = await tx.query(
    `SELECT DISTINCT wanted FROM unnest($2::text[]) AS wanted JOIN (
       SELECT unnest(permissions) AS held FROM roles WHERE product_id = $1
       UNION ALL SELECT unnest(permissions) FROM grants WHERE product_id = $1) AS used
     ON held = wanted OR starts_with(held, wanted || '/') ORDER BY wanted`,
    [productId, permissions],
  );
  return rows.map((row) => String(row["wanted"]));
}
