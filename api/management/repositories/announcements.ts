import type { Queryable } from "#platform/postgres/database.ts";

/** The last announced revision. Locks the row until the transaction ends. */
export async function lockAnnounced(tx: Queryable, application: string): Promise<number> {
  const [row] = await tx.query(
    `INSERT INTO announced (application, revision) VALUES ($1, 0)
     ON CONFLICT (application) DO UPDATE SET revision = announced.revision RETURNING revision`,
    [application],
  );
  return Number(row?.["revision"]);
}

/** Stores the announced revision and notifies watchers and caches when the transaction commits. */
export async function setAnnounced(
  tx: Queryable,
  application: string,
  revision: number,
): Promise<void> {
  await tx.query("UPDATE announced SET revision = $2 WHERE application = $1", [
    application,
    revision,
  ]);
  await tx.query("SELECT pg_notify('management.revisions', $1)", [`${application} ${revision}`]);
}
