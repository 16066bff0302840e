import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";

import { MoneyText, TimeMs, parseRows } from "./rows.ts";

const Balance = z.object({
  currency: z.string(),
  debits: MoneyText,
  credits: MoneyText,
  difference: MoneyText,
});
const AccountBalance = z.object({
  account: z.string(),
  currency: z.string(),
  balance: MoneyText,
});

export type LedgerBalance = {
  currencies: z.output<typeof Balance>[];
  accounts: z.output<typeof AccountBalance>[];
};

/** Sums of all entries; the accounts of single customers are taken together. */
export async function readBalance(db: Queryable): Promise<LedgerBalance> {
  const currencies = await db.query(
    `SELECT currency, coalesce(sum(amount) FILTER (WHERE amount > 0), 0)::text AS debits,
       coalesce(-sum(amount) FILTER (WHERE amount < 0), 0)::text AS credits, sum(amount)::text AS difference
     FROM ledger_entries GROUP BY currency ORDER BY currency`,
  );
  const accounts = await db.query(
    `SELECT regexp_replace(account, ':cus_[0-9a-f]+$', '') AS account, currency, sum(amount)::text AS balance
     FROM ledger_entries GROUP BY 1, 2 ORDER BY 1, 2`,
  );
  return {
    currencies: parseRows(Balance, currencies),
    accounts: parseRows(AccountBalance, accounts),
  };
}

const EntryRow = z
  .object({
    id: z.number(),
    transaction_id: z.string(),
    at: TimeMs,
    kind: z.string(),
    ref: z.string(),
    account: z.string(),
    currency: z.string(),
    amount: MoneyText,
  })
  .transform(({ transaction_id: transactionId, at: atMs, ...row }) => ({
    ...row,
    transactionId,
    atMs,
  }));
export type LedgerEntry = z.output<typeof EntryRow>;

type Filter = {
  account: string | undefined;
  ref: string | undefined;
  after: number;
  limit: number;
};

/** Oldest first, one more than `limit`. */
export async function listEntries(db: Queryable, it: Filter): Promise<LedgerEntry[]> {
  const rows = await db.query(
    `SELECT e.id, transaction_id, at, kind, ref, account, currency, amount::text
     FROM ledger_entries e JOIN ledger_transactions t ON t.id = transaction_id
     WHERE e.id > $1 AND ($2::text IS NULL OR account = $2) AND ($3::text IS NULL OR ref = $3)
     ORDER BY e.id LIMIT $4`,
    [it.after, it.account ?? null, it.ref ?? null, it.limit + 1],
  );
  return parseRows(EntryRow, rows);
}
