import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";
import { type RowOf, optional, table, time } from "#platform/postgres/table.ts";

import { SIGN_IN_METHODS } from "../domain/sign-in-method.ts";
import type { PageStart } from "./accounts.ts";

const sessions = table("sessions", {
  id: z.string(),
  accountId: z.string(),
  method: z.enum(SIGN_IN_METHODS),
  clientId: optional(z.string()),
  /** Number of the valid refresh token; every refresh increments it. */
  generation: z.number(),
  rotatedAtMs: time,
  createdAtMs: time,
  lastSeenAtMs: time,
  /** Time at which the session ends if it is not refreshed. */
  idleAtMs: time,
  /** Time at which the session ends in any case. */
  absoluteAtMs: time,
  endedAtMs: optional(time),
  userAgent: z.string(),
  address: z.string(),
});
/** A sign-in and all tokens issued for it. */
export type Session = RowOf<typeof sessions>;

export const insertSession = (tx: Queryable, session: Session): Promise<Session> =>
  sessions.insert(tx, session);

export const findSession = (
  db: Queryable,
  id: string,
  lock?: "lock",
): Promise<Session | undefined> => sessions.find(db, { id }, lock && "FOR UPDATE");

/** Records the next refresh token of a locked session. */
export const rotateSession = (
  tx: Queryable,
  { id, generation }: Session,
  to: { nowMs: number; idleAtMs: number; address: string; userAgent: string },
): Promise<Session> => {
  const { nowMs, ...rest } = to;
  const rotated = { generation: generation + 1, rotatedAtMs: nowMs, lastSeenAtMs: nowMs };
  return sessions.update(tx, { id }, { ...rest, ...rotated });
};

/** Ends live sessions of an account: all, one, or all but one. @returns their ids */
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

/** Ends up to `EXPIRED_BATCH` expired sessions. @returns them */
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

/** Live sessions of an account. */
export const listSessions = (
  db: Queryable,
  { accountId, nowMs, ...page }: PageStart & { accountId: string; nowMs: number },
): Promise<Session[]> =>
  sessions.page(db, {
    ...page,
    where: { accountId },
    and: { "ended_at IS NULL AND idle_at > $": new Date(nowMs) },
  });

const ENDED_KEPT_MS = 30 * 24 * 3_600_000;
const DELETED_BATCH = 1_000;

/** Deletes a batch of sessions that ended long ago; the audit trail keeps them. @returns whether there may be more */
export async function deleteOldSessions(db: Queryable, nowMs: number): Promise<boolean> {
  const rows = await db.query(
    `DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE ended_at < $1 LIMIT ${DELETED_BATCH})
     RETURNING 1`,
    [new Date(nowMs - ENDED_KEPT_MS)],
  );
  return rows.length === DELETED_BATCH;
}

/** Makes every worker drop the tokens of this id from its cache when the transaction commits. */
export async function notifyTokensInvalid(tx: Queryable, id: string): Promise<void> {
  await tx.query("SELECT pg_notify('accounts.tokens', $1)", [id]);
}
