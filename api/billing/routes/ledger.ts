import { z } from "zod";

import { cutPage, decodeCursor } from "#platform/http/cursor.ts";
import { type Route, route } from "#platform/http/route.ts";
import { iso, pageOf, pageQuery, text } from "#platform/http/schema.ts";
import { toBody } from "#platform/http/to-body.ts";

import { type LedgerEntry, listEntries, readBalance } from "../repositories/ledger-reports.ts";
import { Currency, Moment, SignedAmount } from "./wire.ts";

/** Sums may exceed the integers that JSON parsers keep exactly. */
const Sum = z
  .union([z.int(), z.string().regex(/^-?\d+$/)])
  .describe("Minor units; a string of digits beyond 2^53-1");

const sumOf = (amount: bigint): number | string => {
  const units = Number(amount);
  return Number.isSafeInteger(units) ? units : amount.toString();
};

const BalanceBody = z
  .strictObject({
    currencies: z.array(
      z.strictObject({
        currency: Currency,
        debits: Sum,
        credits: Sum,
        difference: Sum.describe("Always 0"),
      }),
    ),
    accounts: z.array(
      z.strictObject({
        account: z.string(),
        currency: Currency,
        balance: Sum.describe("Debits minus credits"),
      }),
    ),
  })
  .meta({ id: "LedgerBalance" });

const EntryBody = z
  .strictObject({
    id: z.int(),
    transactionId: z.string(),
    at: Moment,
    kind: z.string(),
    ref: z.string().describe("Id of the invoice, payment or other subject"),
    account: z.string(),
    currency: Currency,
    amount: SignedAmount.describe("Minor units: a debit is positive, a credit negative"),
  })
  .meta({ id: "LedgerEntry" });

const rule = { allow: "permission", permission: "billing:ledger:read" } as const;

const getBalance = route({
  method: "GET",
  path: "/v1/ledger/balance",
  operationId: "getLedgerBalance",
  tag: "Ledger",
  summary: "Get the trial balance",
  description: "The accounts of single customers (receivable, customer_credit) are summed up.",
  rule,
  reads: "replica",
  responses: { 200: { description: "The trial balance", body: BalanceBody } },
  async handle({ read }) {
    const { currencies, accounts } = await readBalance(read);
    return {
      status: 200,
      body: {
        currencies: currencies.map(({ currency, debits, credits, difference }) => ({
          currency,
          debits: sumOf(debits),
          credits: sumOf(credits),
          difference: sumOf(difference),
        })),
        accounts: accounts.map((it) => ({ ...it, balance: sumOf(it.balance) })),
      },
    };
  },
});

const EntryCursor = z.tuple([z.int().min(0)]);

const entryOf = (it: LedgerEntry) => toBody(EntryBody, { ...it, at: iso(it.atMs) });

const getEntries = route({
  method: "GET",
  path: "/v1/ledger/entries",
  operationId: "listLedgerEntries",
  tag: "Ledger",
  summary: "List ledger entries, oldest first",
  rule,
  query: pageQuery({ account: text({ max: 100 }).optional(), ref: text({ max: 100 }).optional() }),
  reads: "replica",
  responses: { 200: { description: "A page of entries", body: pageOf(EntryBody) } },
  async handle({ query, read }) {
    const [after] = decodeCursor(EntryCursor, query.cursor) ?? [0];
    const { limit, account, ref } = query;
    const rows = await listEntries(read, { limit, after, account, ref });
    const body = cutPage(rows, limit, { item: entryOf, cursor: ({ id }) => [id] });
    return { status: 200, body };
  },
});

export const ledgerRoutes: Route[] = [getBalance, getEntries];
