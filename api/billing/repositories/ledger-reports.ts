import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";

import { type Money, money, sum } from "../domain/money.ts";
import { moneyColumn } from "./columns.ts";

const Account = z.object({
  account: z.string(),
  currency: z.string(),
  debits: moneyColumn,
  balance: moneyColumn,
});
type CurrencyBalance = { currency: string; debits: Money; credits: Money; difference: Money };

export type LedgerBalance = {
  currencies: CurrencyBalance[];
  accounts: Omit<z.output<typeof Account>, "debits">[];
};

/** Trial balance of the whole ledger, with the accounts of single customers summed up. */
export async function readBalance(db: Queryable): Promise<LedgerBalance> {
  const rows = await db.query(
    `WITH each AS (
       SELECT account, currency, coalesce(sum(amount) FILTER (WHERE amount > 0), 0) AS debits, sum(amount) AS balance
       FROM ledger_entries GROUP BY account, currency)
     SELECT regexp_replace(account, ':cus_[0-9a-f]+$', '') AS account, currency, sum(debits)::text AS debits,
       sum(balance)::text AS balance
     FROM each GROUP BY 1, 2 ORDER BY 1, 2`,
  );
  const accounts = z.array(Account).parse(rows);
  const codes = [...new Set(accounts.map((it) => it.currency))].toSorted();
  return {
    accounts: accounts.map(({ account, currency, balance }) => ({ account, currency, balance })),
    currencies: codes.map((currency) => {
      const own = accounts.filter((it) => it.currency === currency);
      const debits = sum(own.map((it) => it.debits));
      const difference = sum(own.map((it) => it.balance));
      return { currency, debits, credits: money(debits - difference), difference };
    }),
  };
}

const Entry = z
  .object({
    id: z.number(),
    transaction_id: z.string(),
    at: z.date(),
    kind: z.string(),
    ref: z.string(),
    account: z.string(),
    currency: z.string(),
    amount: moneyColumn,
  })
  .transform(({ transaction_id: transactionId, at, ...row }) => ({
    ...row,
    transactionId,
    atMs: at.getTime(),
  }));
export type LedgerEntry = z.output<typeof Entry>;

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
  return z.array(Entry).parse(rows);
}
