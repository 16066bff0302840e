import { z } from "zod";

import type { Clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import { newId } from "#platform/ids.ts";
import { NewPassword, checkNewPassword } from "#platform/passwords/new-password.ts";
import type { Database, Queryable } from "#platform/postgres/database.ts";
import { hashPassword, hashToken, newToken } from "#platform/secrets.ts";

import { record } from "./audit.ts";
import { Email, type Member } from "./member.ts";
import type { Sessions } from "./sessions.ts";

const LINK_MS = 24 * 3_600_000;

export const FirstOwner = z.strictObject({
  token: z.string().min(1).max(100),
  email: Email,
  name: z
    .string()
    .trim()
    .min(1, { error: "enter your name" })
    .max(100)
    .regex(/^\P{Cc}*$/u, { error: "a name has no control characters" }),
  password: NewPassword,
});
export type FirstOwner = z.infer<typeof FirstOwner>;

export type Setup = {
  /** Whether there are no members yet, so that the first owner can be created. */
  isOpen(): Promise<boolean>;
  /**
   * The token of a new one-time link, valid for 24 hours; earlier links become invalid. Undefined if there are members.
   */
  createLink(): Promise<string | undefined>;
  /** Creates the first owner and signs them in. */
  redeem(request: FirstOwner, address: string): Promise<{ member: Member; token: string }>;
};

export function createSetup(deps: { database: Database; sessions: Sessions; clock: Clock }): Setup {
  const { database, sessions, clock } = deps;
  return {
    isOpen: async () => !(await hasMembers(database)),

    createLink: () =>
      database.transaction(async (transaction) => {
        if (await hasMembers(transaction)) return undefined;
        const token = newToken();
        await transaction.query("DELETE FROM setup_links");
        await transaction.query(
          "INSERT INTO setup_links (token_hash, expires_at) VALUES ($1, $2)",
          [hashToken(token), new Date(clock.nowMs() + LINK_MS)],
        );
        return token;
      }),

    async redeem(request, address) {
      // Hashing is slow, so it happens before the lock, and only for a valid token.
      await checkLink(database, request.token, clock.nowMs());
      await checkNewPassword(request.password, request);
      const passwordHash = await hashPassword(request.password);
      return database.transaction(async (transaction) => {
        await transaction.query("LOCK TABLE members IN EXCLUSIVE MODE");
        if (await hasMembers(transaction)) {
          throw new AppError("conflict", "The first owner exists already: sign in instead.");
        }
        await checkLink(transaction, request.token, clock.nowMs());
        await transaction.query("DELETE FROM setup_links");
        const { email, name } = request;
        const member: Member = { id: newId("mem"), email, name, role: "owner" };
        const atMs = clock.nowMs();
        await transaction.query(
          "INSERT INTO members (id, email, name, role, password_hash, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
          [member.id, email, name, member.role, passwordHash, new Date(atMs)],
        );
        const entry = { atMs, actor: "setup", action: "member.create", target: member.id } as const;
        await record(transaction, { ...entry, after: member, address });
        return { member, token: await sessions.start(transaction, { member, address }) };
      });
    },
  };
}

async function checkLink(queryable: Queryable, token: string, nowMs: number): Promise<void> {
  const rows = await queryable.query(
    "SELECT 1 FROM setup_links WHERE token_hash = $1 AND expires_at > $2",
    [hashToken(token), new Date(nowMs)],
  );
  if (rows.length > 0) return;
  throw new AppError(
    "forbidden",
    "This set-up link is invalid or expired. Use the latest link printed in the terminal, or restart Quarterdeck to get a new one.",
  );
}

async function hasMembers(queryable: Queryable): Promise<boolean> {
  return (await queryable.query("SELECT 1 FROM members LIMIT 1")).length > 0;
}
