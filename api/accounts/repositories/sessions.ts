import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";

import type { Session } from "../domain/session.ts";
import { SIGN_IN_METHODS } from "../domain/sign-in-method.ts";

const COLUMNS =
  "id, account_id, method, client_id, generation, rotated_at, created_at, last_seen_at, idle_at, absolute_at, ended_at, user_agent, address";

const Row = z.object({
  id: z.string(),
  account_id: z.string(),
  method: z.enum(SIGN_IN_METHODS),
  client_id: z.string().nullable(),
  generation: z.number(),
  rotated_at: z.date(),
  created_at: z.date(),
  last_seen_at: z.date(),
  idle_at: z.date(),
  absolute_at: z.date(),
  ended_at: z.date().nullable(),
  user_agent: z.string(),
  address: z.string(),
});

function sessionOf(value: unknown): Session {
  const row = Row.parse(value);
  return {
    id: row.id,
    accountId: row.account_id,
    method: row.method,
    clientId: row.client_id ?? undefined,
    generation: row.generation,
    rotatedAtMs: row.rotated_at.getTime(),
    createdAtMs: row.created_at.getTime(),
    lastSeenAtMs: row.last_seen_at.getTime(),
    idleAtMs: row.idle_at.getTime(),
    absoluteAtMs: row.absolute_at.getTime(),
    endedAtMs: row.ended_at?.getTime(),
    userAgent: row.user_agent,
    address: row.address,
  };
}

export async function insertSession(tx: Queryable, session: Session): Promise<void> {
  await tx.query(
    `INSERT INTO sessions (id, account_id, method, client_id, generation, rotated_at, created_at, last_seen_at,
       idle_at, absolute_at, user_agent, address) VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9, $10, $11)`,
    [
      session.id,
      session.accountId,
      session.method,
      session.clientId ?? null,
      session.generation,
      new Date(session.rotatedAtMs),
      new Date(session.createdAtMs),
      new Date(session.idleAtMs),
      new Date(session.absoluteAtMs),
      session.userAgent,
      session.address,
    ],
  );
}

/** `lock`: nobody else refreshes or ends it before the transaction ends. */
export async function findSession(
  db: Queryable,
  id: string,
  lock?: "lock",
): Promise<Session | undefined> {
  const [row] = await db.query(
    `SELECT ${COLUMNS} FROM sessions WHERE id = $1${lock === undefined ? "" : " FOR UPDATE"}`,
    [id],
  );
  return row === undefined ? undefined : sessionOf(row);
}

export async function rotateSession(
  tx: Queryable,
  id: string,
  to: { nowMs: number; idleAtMs: number; address: string; userAgent: string },
): Promise<void> {
  await tx.query(
    `UPDATE sessions SET generation = generation + 1, rotated_at = $2, last_seen_at = $2, idle_at = $3,
       address = $4, user_agent = $5 WHERE id = $1`,
    [id, new Date(to.nowMs), new Date(to.idleAtMs), to.address, to.userAgent],
  );
}

/** Ends the live sessions of an account (one of them, or all but one); gives the ids of those that it ended. */
export async function endSessions(
  tx: Queryable,
  which: {
    accountId: string;
    sessionId: string | undefined;
    except: string | undefined;
    reason: string;
    nowMs: number;
  },
): Promise<string[]> {
  const rows = await tx.query(
    `UPDATE sessions SET ended_at = $4, end_reason = $5 WHERE account_id = $1 AND ended_at IS NULL
       AND ($2::text IS NULL OR id = $2) AND ($3::text IS NULL OR id <> $3) RETURNING id`,
    [
      which.accountId,
      which.sessionId ?? null,
      which.except ?? null,
      new Date(which.nowMs),
      which.reason,
    ],
  );
  return rows.map((row) => String(row["id"]));
}

export const EXPIRED_BATCH = 500;

/** Marks sessions that nobody has refreshed in time as ended; gives them, at most `EXPIRED_BATCH`. */
export async function endExpired(
  tx: Queryable,
  nowMs: number,
): Promise<{ id: string; accountId: string }[]> {
  const rows = await tx.query(
    `UPDATE sessions SET ended_at = idle_at, end_reason = 'expired' WHERE id IN (
       SELECT id FROM sessions WHERE ended_at IS NULL AND idle_at <= $1 ORDER BY idle_at
       LIMIT ${EXPIRED_BATCH} FOR UPDATE SKIP LOCKED) RETURNING id, account_id`,
    [new Date(nowMs)],
  );
  return rows.map((row) => ({ id: String(row["id"]), accountId: String(row["account_id"]) }));
}

/** Live sessions of an account, oldest first. */
export async function listSessions(
  db: Queryable,
  query: {
    accountId: string;
    nowMs: number;
    after: readonly [string, string] | undefined;
    limit: number;
  },
): Promise<Session[]> {
  const [at, id] = query.after ?? [null, null];
  const rows = await db.query(
    `SELECT ${COLUMNS} FROM sessions WHERE account_id = $1 AND ended_at IS NULL AND idle_at > $2
       AND ($3::timestamptz IS NULL OR (created_at, id) > ($3, $4)) ORDER BY created_at, id LIMIT $5`,
    [query.accountId, new Date(query.nowMs), at, id, query.limit + 1],
  );
  return rows.map(sessionOf);
}

const ENDED_KEPT_MS = 30 * 24 * 3_600_000;

const FORGOTTEN_BATCH = 1_000;

/** Forgets some sessions that ended long ago: the audit trail has them. Says whether there may be more. */
export async function deleteOldSessions(db: Queryable, nowMs: number): Promise<boolean> {
  const rows = await db.query(
    `DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE ended_at < $1 LIMIT ${FORGOTTEN_BATCH})
     RETURNING 1`,
    [new Date(nowMs - ENDED_KEPT_MS)],
  );
  return rows.length === FORGOTTEN_BATCH;
}

/** Tells every worker, at the commit, to forget what it knows about tokens of this id. */
export async function notifyTokensInvalid(tx: Queryable, id: string): Promise<void> {
  await tx.query("SELECT pg_notify('accounts.tokens', $1)", [id]);
}
