import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";
import { seal } from "#platform/seal.ts";

/** Metadata of a secret, without its value. */
export type SecretFacts = {
  name: string;
  version: number;
  description: string;
  createdAt: string;
  rotatedAt: string;
  rotatedBy: string;
};

const FACTS = "name, version, description, created_at, rotated_at, rotated_by";
const Row = z.object({
  name: z.string(),
  version: z.number(),
  description: z.string(),
  created_at: z.date(),
  rotated_at: z.date(),
  rotated_by: z.string(),
});

function factsOf(row: unknown): SecretFacts {
  const { created_at, rotated_at, rotated_by, ...rest } = Row.parse(row);
  return {
    ...rest,
    createdAt: created_at.toISOString(),
    rotatedAt: rotated_at.toISOString(),
    rotatedBy: rotated_by,
  };
}

/**
 * Encrypts with the name and version as associated data: a row copied to another name, or restored after a rotation,
 * does not decrypt.
 */
export const sealSecret = (
  key: Buffer,
  { name, version, value }: { name: string; version: number; value: string },
): Buffer => seal(key, value, `${name}\n${version}`);

type SecretWrite = {
  name: string;
  version: number;
  description: string;
  sealed: Buffer;
  atMs: number;
  by: string;
};

/** Undefined when the name is taken. */
export async function insertSecret(
  tx: Queryable,
  it: SecretWrite,
): Promise<SecretFacts | undefined> {
  const [row] = await tx.query(
    `INSERT INTO secrets (name, version, description, sealed, created_at, rotated_at, rotated_by)
     VALUES ($1, $2, $3, $4, $5, $5, $6) ON CONFLICT (name) DO NOTHING RETURNING ${FACTS}`,
    [it.name, it.version, it.description, it.sealed, new Date(it.atMs), it.by],
  );
  return row && factsOf(row);
}

export async function replaceSecret(tx: Queryable, it: SecretWrite): Promise<SecretFacts> {
  const [row] = await tx.query(
    `UPDATE secrets SET version = $2, description = $3, sealed = $4, rotated_at = $5, rotated_by = $6
     WHERE name = $1 RETURNING ${FACTS}`,
    [it.name, it.version, it.description, it.sealed, new Date(it.atMs), it.by],
  );
  return factsOf(row);
}

/** Locks the row until the transaction ends. */
export async function lockSecret(tx: Queryable, name: string): Promise<SecretFacts | undefined> {
  const [row] = await tx.query(`SELECT ${FACTS} FROM secrets WHERE name = $1 FOR UPDATE`, [name]);
  return row && factsOf(row);
}

export async function deleteSecret(tx: Queryable, name: string): Promise<void> {
  await tx.query("DELETE FROM secrets WHERE name = $1", [name]);
}

export async function findSecret(db: Queryable, name: string): Promise<SecretFacts | undefined> {
  const [row] = await db.query(`SELECT ${FACTS} FROM secrets WHERE name = $1`, [name]);
  return row && factsOf(row);
}

export async function listSecrets(
  db: Queryable,
  range: { after: string; limit: number },
): Promise<SecretFacts[]> {
  const rows = await db.query(
    `SELECT ${FACTS} FROM secrets WHERE name > $1 ORDER BY name LIMIT $2`,
    [range.after, range.limit],
  );
  return rows.map(factsOf);
}

/** Returns the names without a secret; the existing ones cannot be deleted until the transaction ends. */
export async function missingSecrets(tx: Queryable, names: readonly string[]): Promise<string[]> {
  if (names.length === 0) return [];
  const rows = await tx.query(
    "SELECT name FROM secrets WHERE name = ANY($1) ORDER BY name FOR SHARE",
    [names],
  );
  const found = new Set(rows.map((row) => String(row["name"])));
  return names.filter((name) => !found.has(name));
}
