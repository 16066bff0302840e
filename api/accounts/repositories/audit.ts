import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";
import { type RowOf, json, table, time } from "#platform/postgres/table.ts";

import type { AuditEntry } from "../domain/audit-entry.ts";

const audit = table("audit", {
  id: z.number(),
  atMs: time,
  actor: z.string(),
  action: z.string(),
  outcome: z.enum(["success", "failure"]),
  subject: z.string().nullable(),
  address: z.string().nullable(),
  userAgent: z.string().nullable(),
  traceId: z.string().nullable(),
  detail: json(z.record(z.string(), z.unknown())),
  onceKey: z.string().nullable(),
});
export type AuditRow = RowOf<typeof audit>;

/** Appends an entry, unless there is one with its `onceKey`. A trigger refuses changes of entries. */
export async function writeAudit(
  db: Queryable,
  { detail = {}, ...entry }: AuditEntry,
): Promise<void> {
  await audit.insertIfAbsent(db, { ...entry, detail: { ...detail } });
}

type AuditQuery = {
  /** Only entries with this subject or actor. */
  about?: string | undefined;
  action?: string | undefined;
  outcome?: string | undefined;
  beforeId?: number | undefined;
  limit: number;
};

/** Newest first, one more than `limit`. */
export async function readAudit(db: Queryable, query: AuditQuery): Promise<AuditRow[]> {
  const rows = await db.query(
    `SELECT ${audit.columns} FROM audit
     WHERE ($1::text IS NULL OR subject = $1 OR actor = $1) AND ($2::text IS NULL OR action = $2)
       AND ($3::text IS NULL OR outcome = $3) AND ($4::bigint IS NULL OR id < $4)
     ORDER BY id DESC LIMIT $5`,
    [
      query.about ?? null,
      query.action ?? null,
      query.outcome ?? null,
      query.beforeId ?? null,
      query.limit + 1,
    ],
  );
  return audit.parse(rows);
}
