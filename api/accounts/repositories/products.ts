import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";

import type { Permission, Product } from "../domain/products.ts";

const Row = z.object({
  id: z.string(),
  slug: z.string(),
  name: z.string(),
  description: z.string(),
  permissions: z.array(z.object({ name: z.string(), description: z.string() })).nullable(),
  version: z.number(),
  created_at: z.date(),
  updated_at: z.date(),
});

function productOf(row: unknown): Product {
  const { created_at, updated_at, ...rest } = Row.parse(row);
  return { ...rest, createdAtMs: created_at.getTime(), updatedAtMs: updated_at.getTime() };
}

/** How long a row that was read stays as it is: until the transaction ends, for other changes or for other readers. */
export type Lock = "for share" | "for update";

export async function readProduct(
  db: Queryable,
  slug: string,
  lock?: Lock,
): Promise<Product | undefined> {
  const [row] = await db.query(`SELECT * FROM products WHERE slug = $1 ${lock ?? ""}`, [slug]);
  return row && productOf(row);
}

/** By slug; one more than `limit`, so that a page knows whether there are more. */
export async function listProducts(
  db: Queryable,
  page: { after: string; limit: number },
): Promise<Product[]> {
  const rows = await db.query(
    'SELECT * FROM products WHERE slug > $1 COLLATE "C" ORDER BY slug COLLATE "C" LIMIT $2',
    [page.after, page.limit + 1],
  );
  return rows.map(productOf);
}

/** Gives undefined where the slug is taken. */
export async function insertProduct(
  tx: Queryable,
  product: Pick<Product, "id" | "slug" | "name" | "description" | "createdAtMs"> & {
    permissions: readonly Permission[];
  },
): Promise<Product | undefined> {
  const [row] = await tx.query(
    `INSERT INTO products (id, slug, name, description, permissions, created_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (slug) DO NOTHING RETURNING *`,
    [
      product.id,
      product.slug,
      product.name,
      product.description,
      JSON.stringify(product.permissions),
      new Date(product.createdAtMs),
    ],
  );
  return row && productOf(row);
}

export async function updateProduct(
  tx: Queryable,
  product: Product,
  nowMs: number,
): Promise<Product> {
  const [row] = await tx.query(
    `UPDATE products SET name = $2, description = $3, permissions = $4, version = version + 1, updated_at = $5
     WHERE id = $1 RETURNING *`,
    [
      product.id,
      product.name,
      product.description,
      product.permissions === null ? null : JSON.stringify(product.permissions),
      new Date(nowMs),
    ],
  );
  return productOf(row);
}

/** Which of these permissions a role or a grant of the product still has, in whatever scope. */
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
