import { AppError } from "#platform/errors.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import type { AccountsDeps } from "../deps.ts";
import type { Account } from "../domain/account.ts";
import type { Origin } from "../domain/origin.ts";
import { findAccount } from "../repositories/accounts.ts";
import { refused } from "./check-credentials.ts";
import { CodeAlreadyUsed } from "./sessions.ts";

/** Runs a write that starts a session; that a code was used by somebody faster is a refusal like any other. */
export async function auditingUsedCodes<T>(
  deps: Pick<AccountsDeps, "kit" | "facts">,
  origin: Origin,
  write: () => Promise<T>,
): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (!(error instanceof CodeAlreadyUsed)) throw error;
    const account = await findAccount(deps.kit.database, error.accountId);
    return refused(
      { database: deps.kit.database, facts: deps.facts },
      { account, reason: "code used before", origin, error },
    );
  }
}

/** @throws AppError not_found, also for one that is somebody else's to see */
export async function requireAccount(
  db: Queryable,
  id: string,
  lock?: "lock",
): Promise<Account & { passwordHash: string | undefined }> {
  const account = await findAccount(db, id, lock);
  if (account !== undefined) return account;
  throw notFound("account");
}

export const notFound = (what: string): AppError =>
  new AppError("not_found", `There is no such ${what}.`);
