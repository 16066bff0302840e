import { newId } from "#platform/ids.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import { type Posting, imbalances, nonZeroEntries } from "../domain/ledger.ts";

/**
 * Writes one transaction of the ledger: debits positive, credits negative, zero in sum for every currency. The database
 * refuses what does not balance as well, and any change of what was posted. Nothing is posted for no entries.
 * @throws Error for entries that do not balance, and (from PostgreSQL, 23505) for a kind and ref that were posted before
 */
export async function post(tx: Queryable, { at, kind, ref, entries }: Posting): Promise<void> {
  const moving = nonZeroEntries(entries);
  const [wrong] = imbalances(moving);
  if (wrong !== undefined) {
    throw new Error(`the posting ${kind} of ${ref} is off by ${wrong[1]} ${wrong[0]}`);
  }
  if (moving.length === 0) return;
  await tx.query(
    `WITH transaction AS (
       INSERT INTO ledger_transactions (id, at, kind, ref) VALUES ($1, $2, $3, $4) RETURNING id)
     INSERT INTO ledger_entries (transaction_id, account, currency, amount)
     SELECT transaction.id, account, currency, amount
     FROM transaction, unnest($5::text[], $6::text[], $7::bigint[]) AS entry (account, currency, amount)`,
    [
      newId("ltx"),
      new Date(at),
      kind,
      ref,
      moving.map((it) => it.account),
      moving.map((it) => it.currency),
      moving.map((it) => it.amount.toString()),
    ],
  );
}
