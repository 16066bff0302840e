import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";

import type { AuditEntry } from "../domain/audit-entry.ts";

/** Appends an entry; a trigger refuses every change of what is there. */
export async function writeAudit(db: Queryable, entry: AuditEntry): Promise<void> {
  await db.query(
    `INSERT INTO audit (at, actor, action, outcome, subject, address, user_agent, trace_id, detail, once_key)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (once_key) DO NOTHING`,
    [
      new Date(entry.atMs),
      entry.actor,
      entry.action,
      entry.outcome,
      entry.subject ?? null,
      entry.address ?? null,
      entry.userAgent ?? null,
      entry.traceId ?? null,
      JSON.stringify(entry.detail ?? {}),
      entry.onceKey ?? null,
    ],
  );
}

const Row = z.object({
  id: z.number(),
  at: z.date(),
  actor: z.string(),
  action: z.string(),
  outcome: z.enum(["success", "failure"]),
  subject: z.string().nullable(),
  address: z.string().nullable(),
  user_agent: z.string().nullable(),
  trace_id: z.string().nullable(),
  detail: z.record(z.string(), z.unknown()),
});
export type AuditRow = z.infer<typeof Row>;

export type AuditQuery = {
  /** Entries about or by this id alone. */
  about?: string | undefined;
  action?: string | undefined;
  outcome?: string | undefined;
  beforeId?: number | undefined;
  limit: number;
};

/** Entries, newest first: one more than `limit`, where there is one. */
export async function readAudit(db: Queryable, query: AuditQuery): Promise<AuditRow[]> {
  const rows = await db.query(
    `SELECT id, at, actor, action, outcome, subject, address, user_agent, trace_id, detail FROM audit
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
  return rows.map((row) => Row.parse(row));
}
