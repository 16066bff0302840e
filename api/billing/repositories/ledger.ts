import { newId } from "#platform/ids.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import { type Posting, imbalances, nonZeroEntries } from "../domain/ledger.ts";

/**
 * Posts one ledger transaction. The database checks the balance again and refuses to change posted entries.
 * @throws Error for entries that do not balance; PostgreSQL error 23505 for a kind and ref that were posted before
 */
export async function post(tx: Queryable, { at, kind, ref, entries }: Posting): Promise<void> {
  const moving = nonZeroEntries(entries);
  const [wrong] = imbalances(moving);
  if (wrong !== undefined) {
    throw new Error(`the posting ${kind} of ${ref} is out of balance by ${wrong[1]} ${wrong[0]}`);
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
