import type { Queryable } from "#platform/postgres/database.ts";

import { type Account, findAccount } from "../repositories/accounts.ts";
import { found } from "./call-context.ts";

/** @throws AppError not_found */
export const requireAccount = async (db: Queryable, id: string, lock?: "lock"): Promise<Account> =>
  found(await findAccount(db, id, lock), "account");
