import { z } from "zod";

import type { Clock } from "#platform/clock.ts";
import type { Database, Queryable } from "#platform/postgres/database.ts";
import { hashToken, newToken } from "#platform/secrets.ts";

import { record } from "./audit.ts";
import { type Member, MemberRow } from "./member.ts";

export type Session = {
  member: Member;
  /** Epoch ms at which the session ends if there are no further requests. */
  expiresMs: number;
};

type SessionLimits = { sessionIdleMs: number; sessionMaxMs: number };

const SessionRow = MemberRow.extend({ created_at: z.date(), seen_at: z.date() });
/** Minimum interval between updates of `seen_at`, so that most requests write nothing. */
const SEEN_EVERY_MS = 60_000;

export type Sessions = {
  /** Starts a session in the caller's transaction. The token is returned only here; only its hash is stored. */
  start(transaction: Queryable, who: { member: Member; address: string }): Promise<string>;
  /** The session of a token, unless it has ended; an ended session is deleted. */
  find(token: string): Promise<Session | undefined>;
  end(token: string, address: string): Promise<void>;
};

export type SessionDeps = {
  database: Database;
  clock: Clock;
  limits: SessionLimits;
  /** Called when a member has ended a session. */
  onSessionEnded?: (token: string) => void;
};

export function createSessions(deps: SessionDeps): Sessions {
  return {
    start: (transaction, who) => startSession(deps, transaction, who),
    find: (token) => findSession(deps, hashToken(token)),
    async end(token, address) {
      await endSession(deps, hashToken(token), address);
      deps.onSessionEnded?.(token);
    },
  };
}

async function startSession(
  { clock, limits }: SessionDeps,
  transaction: Queryable,
  { member, address }: { member: Member; address: string },
): Promise<string> {
  const token = newToken();
  const atMs = clock.nowMs();
  await transaction.query("DELETE FROM sessions WHERE created_at <= $1 OR seen_at <= $2", [
    new Date(atMs - limits.sessionMaxMs),
    new Date(atMs - limits.sessionIdleMs),
  ]);
  await transaction.query(
    "INSERT INTO sessions (token_hash, member_id, address, created_at, seen_at) VALUES ($1, $2, $3, $4, $4)",
    [hashToken(token), member.id, address, new Date(atMs)],
  );
  const entry = { atMs, actor: member.id, action: "session.start", target: member.id } as const;
  await record(transaction, { ...entry, address });
  return token;
}

async function findSession(
  { database, clock, limits }: SessionDeps,
  tokenHash: Buffer,
): Promise<Session | undefined> {
  const [row] = await database.query(
    "SELECT m.id, m.email, m.name, m.role, s.created_at, s.seen_at FROM sessions s JOIN members m ON m.id = s.member_id WHERE s.token_hash = $1",
    [tokenHash],
  );
  if (row === undefined) return undefined;
  const { created_at: createdAt, seen_at: seenAt, ...member } = SessionRow.parse(row);
  const nowMs = clock.nowMs();
  const lastMs = createdAt.getTime() + limits.sessionMaxMs;
  if (nowMs >= Math.min(lastMs, seenAt.getTime() + limits.sessionIdleMs)) {
    await database.query("DELETE FROM sessions WHERE token_hash = $1", [tokenHash]);
    return undefined;
  }
  if (nowMs - seenAt.getTime() >= SEEN_EVERY_MS) {
    await database.query("UPDATE sessions SET seen_at = $2 WHERE token_hash = $1", [
      tokenHash,
      new Date(nowMs),
    ]);
  }
  return { member, expiresMs: Math.min(lastMs, nowMs + limits.sessionIdleMs) };
}

async function endSession(
  { database, clock }: SessionDeps,
  tokenHash: Buffer,
  address: string,
): Promise<void> {
  await database.transaction(async (transaction) => {
    const [row] = await transaction.query(
      "DELETE FROM sessions WHERE token_hash = $1 RETURNING member_id",
      [tokenHash],
    );
    if (row === undefined) return;
    const member = String(row["member_id"]);
    const entry = { actor: member, action: "session.end", target: member, address } as const;
    await record(transaction, { ...entry, atMs: clock.nowMs() });
  });
}
