import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";

import { SOURCES, type Source } from "../domain/facts.ts";

const time = z.date().transform((it) => it.getTime());
const Extract = z
  .object({
    source: z.enum(SOURCES),
    cursor: z.string().nullable(),
    data_until: time.nullable(),
    read_at: time.nullable(),
    facts: z.number(),
    rejected: z.number(),
    last_rejected: z.string().nullable(),
    last_error: z.string().nullable(),
    last_error_at: time.nullable(),
  })
  .transform((row) => ({
    source: row.source,
    /** Position to continue from; null before the first event. */
    cursor: row.cursor,
    /** Data before this time is complete in the lake. Epoch ms. */
    dataUntilMs: row.data_until,
    readAtMs: row.read_at,
    facts: row.facts,
    rejected: row.rejected,
    lastRejected: row.last_rejected,
    lastError: row.last_error,
    lastErrorAtMs: row.last_error_at,
  }));
export type Extract = z.output<typeof Extract>;

/** The progress of each source; a source that was never read has empty values. */
export async function listExtracts(db: Queryable): Promise<Extract[]> {
  const rows = await db.query("SELECT * FROM extracts");
  const known = rows.map((row) => Extract.parse(row));
  return SOURCES.map((source) => known.find((it) => it.source === source) ?? unread(source));
}

const unread = (source: Source): Extract => ({
  source,
  cursor: null,
  dataUntilMs: null,
  readAtMs: null,
  facts: 0,
  rejected: 0,
  lastRejected: null,
  lastError: null,
  lastErrorAtMs: null,
});

export type Progress = {
  source: Source;
  from: string | null;
  to: string | null;
  dataUntilMs: number | null;
  nowMs: number;
  facts: number;
  rejected: number;
  lastRejected: string | undefined;
};

/**
 * Advances the cursor of a source; false when another process moved it since we read it, and our events must be
 * discarded. The row lock serializes concurrent extracts.
 */
export async function moveCursor(tx: Queryable, it: Progress): Promise<boolean> {
  await tx.query("INSERT INTO extracts (source) VALUES ($1) ON CONFLICT DO NOTHING", [it.source]);
  const rows = await tx.query(
    `UPDATE extracts SET cursor = $2, data_until = GREATEST(data_until, $4), read_at = $5, facts = facts + $6,
       rejected = rejected + $7, last_rejected = COALESCE($8, last_rejected), last_error = NULL, last_error_at = NULL
     WHERE source = $1 AND cursor IS NOT DISTINCT FROM $3 RETURNING source`,
    [
      it.source,
      it.to,
      it.from,
      it.dataUntilMs === null ? null : new Date(it.dataUntilMs),
      new Date(it.nowMs),
      it.facts,
      it.rejected,
      it.lastRejected ?? null,
    ],
  );
  return rows.length === 1;
}

/** Records why a source could not be read. */
export async function noteError(
  db: Queryable,
  { source, message, nowMs }: { source: Source; message: string; nowMs: number },
): Promise<void> {
  await db.query(
    `INSERT INTO extracts (source, last_error, last_error_at) VALUES ($1, $2, $3)
     ON CONFLICT (source) DO UPDATE SET last_error = $2, last_error_at = $3`,
    [source, message.slice(0, 1_000), new Date(nowMs)],
  );
}
