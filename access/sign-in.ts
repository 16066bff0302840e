import { z } from "zod";

import type { Clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import { createRateLimit } from "#platform/http/rate-limit.ts";
import type { Database } from "#platform/postgres/database.ts";
import { hashPassword, verifyPassword } from "#platform/secrets.ts";

import { record } from "./audit.ts";
import { Email, type Member, MemberRow } from "./member.ts";
import type { Sessions } from "./sessions.ts";

export const Credentials = z.strictObject({
  email: Email,
  password: z.string().min(1, { error: "give your password" }).max(256),
});
export type Credentials = z.infer<typeof Credentials>;

const KEYS_MAX = 10_000;
/**
 * Attempts for one account from one address. Attempts from other addresses do not count, so nobody can lock out an
 * owner.
 */
const ACCOUNT_ATTEMPTS = { burst: 5, refillMs: 30_000, keysMax: KEYS_MAX };
/** Attempts for all accounts from one address. */
const ADDRESS_ATTEMPTS = { burst: 20, refillMs: 10_000, keysMax: KEYS_MAX };

export type SignIn = (
  credentials: Credentials,
  address: string,
) => Promise<{ member: Member; token: string }>;

export function createSignIn(deps: {
  database: Database;
  sessions: Sessions;
  clock: Clock;
}): SignIn {
  const { database, sessions, clock } = deps;
  const accountAttempts = createRateLimit(ACCOUNT_ATTEMPTS, clock);
  const addressAttempts = createRateLimit(ADDRESS_ATTEMPTS, clock);
  // Verified for unknown e-mail addresses, so that a rejection takes the same time whether or not the account exists.
  const unknownMemberHash = hashPassword("nobody has this password");

  return async ({ email, password }, address) => {
    const account = `${email}\n${address}`;
    accountAttempts.take(account);
    addressAttempts.take(address);

    const [row] = await database.query(
      "SELECT id, email, name, role, password_hash FROM members WHERE email = $1",
      [email],
    );
    const stored = row?.["password_hash"];
    const matches = await verifyPassword(
      password,
      typeof stored === "string" ? stored : await unknownMemberHash,
    );
    if (row === undefined || typeof stored !== "string" || !matches) {
      const atMs = clock.nowMs();
      await record(database, {
        atMs,
        actor: email,
        action: "session.refuse",
        target: email,
        address,
      });
      throw new AppError("unauthenticated", "E-mail or password is wrong.");
    }
    accountAttempts.reset(account);
    const member = MemberRow.parse(row);
    const token = await database.transaction((transaction) =>
      sessions.start(transaction, { member, address }),
    );
    return { member, token };
  };
}
