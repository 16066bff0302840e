import type { AccountsDeps } from "../deps.ts";
import type { Origin } from "../domain/origin.ts";
import { findAccount } from "../repositories/accounts.ts";
import { refused } from "./check-credentials.ts";
import { CodeAlreadyUsed } from "./sessions.ts";

/** Runs a write that starts a session, and audits a concurrently used code as a refusal. */
export async function auditingUsedCodes<T>(
  deps: Pick<AccountsDeps, "kit" | "signInLog">,
  origin: Origin,
  write: () => Promise<T>,
): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (!(error instanceof CodeAlreadyUsed)) throw error;
    const account = await findAccount(deps.kit.database, error.accountId);
    return refused(
      { database: deps.kit.database, signInLog: deps.signInLog },
      { account, reason: "code used before", origin, error },
    );
  }
}
