import { expect } from "vitest";
import { z } from "zod";

import type { TestMoney } from "./testing-money.ts";

type Row<Words extends string, Amounts extends string> = Record<"id" | Words, string> &
  Record<Amounts, number>;
type Sums = "discount" | "tax" | "total";
type Invoice = Row<
  "status",
  "subtotal" | Sums | "credit_applied" | "amount_due" | "amount_paid" | "credited"
> & { subscription_id: string | null; lines: Row<"kind", "amount" | Sums>[] };
type Books = {
  credit: number;
  accounts: Record<string, number>;
  invoices: Invoice[];
  payments: Row<"invoice_id" | "status", "amount" | "refunded" | "refund_pending" | "disputed">[];
  refunds: Row<never, "amount">[];
  disputes: Row<"payment_id", "amount" | "fee" | "from_credit">[];
  credit_notes: Row<never, "amount" | "tax">[];
  /** Subscriptions that are, and what a whole period of them costs. */
  served: Row<never, "starts" | "ends" | "price">[];
  troubles: string[];
};
/** As the query below gives it. */
const Books = z.custom<Books>();

const all = (rows: string, order = "id"): string =>
  `(SELECT coalesce(json_agg(it ORDER BY ${order}), '[]') FROM (${rows}) it)`;
const own = (table: string, where = "true"): string =>
  all(`SELECT * FROM ${table} WHERE customer_id = $1 AND ${where}`);
/** All that Billing says of customer $1; of the ledger what was posted after entry $2. */
const BOOKS = `SELECT json_build_object(
  'credit', (SELECT credit FROM customers WHERE id = $1),
  'accounts', (SELECT coalesce(json_object_agg(account, units), '{}') FROM (
    SELECT split_part(account, ':cus_', 1) AS account, sum(amount) AS units FROM ledger_entries WHERE id > $2
    GROUP BY 1 HAVING sum(amount) <> 0) each),
  'invoices', ${all(
    `SELECT *, ${all("SELECT * FROM invoice_lines WHERE invoice_id = invoices.id", "position")} AS lines
     FROM invoices WHERE customer_id = $1 AND status <> 'draft'`,
    "finalized_at, sequence",
  )},
  'payments', ${own("payments")}, 'refunds', ${own("refunds", "status <> 'failed'")},
  'disputes', ${own("disputes", "status <> 'won'")}, 'credit_notes', ${own("credit_notes")},
  'served', ${all(`SELECT s.id, (s.quantity * p.unit_amount - b.discount)
        * CASE WHEN b.tax_inclusive THEN 1 ELSE 1 + b.tax_rate_bp / 10000.0 END AS price,
      extract(epoch FROM s.period_start) * 1000 AS starts,
      extract(epoch FROM s.period_end) * 1000 AS ends
    FROM subscriptions s JOIN prices p ON p.id = s.price_id
    JOIN subscription_periods b ON b.subscription_id = s.id AND b.period = s.period
    WHERE s.customer_id = $1 AND s.status IN ('active', 'past_due')`)},
  'troubles', (SELECT coalesce(json_agg(kind || ': ' || last_error), '[]') FROM jobs
    WHERE failed_at IS NOT NULL OR last_error NOT LIKE '%does not answer')) AS books`;

const KINDS = {
  subscriptions: "created_at DESC, id",
  invoices: "finalized_at DESC, sequence DESC",
  payments: "created_at DESC, id",
  disputes: "opened_at DESC, id",
  payment_methods: "created_at DESC, id",
} as const;
export type Kind = keyof typeof KINDS;

export type Watched = {
  customerId: string;
  /** The id of what the customer has of a kind, newest first. */
  nth(kind: Kind, nth: number): Promise<string | undefined>;
  /** Time passes until then, in which subscriptions are served. */
  serve(untilMs: number): void;
  /** Expects that the books are right, and that nobody has got what was not paid for. */
  check(after: string): Promise<void>;
};

/** Watches the books of a new customer, of whom nothing is in them yet. */
export async function watchBooks(money: TestMoney, customerId: string): Promise<Watched> {
  const { database, clock } = money.service;
  const [last] = await database.query("SELECT coalesce(max(id), 0) AS id FROM ledger_entries");
  const read = async (): Promise<Books> => {
    const [row] = await database.query(BOOKS, [customerId, last?.["id"]]);
    return Books.parse(row?.["books"]);
  };
  let books = await read();
  /** What each subscription was worth so far, and what each claim has given too much. */
  const [served, lost] = [new Map<string, number>(), new Map<string, number>()];
  return {
    customerId,
    async nth(kind, nth) {
      const rows = await database.query(
        `SELECT id FROM ${kind} WHERE customer_id = $1 ORDER BY ${KINDS[kind]} OFFSET $2 LIMIT 1`,
        [customerId, nth],
      );
      return rows[0] === undefined ? undefined : String(rows[0]["id"]);
    },
    serve(untilMs) {
      for (const it of books.served) {
        const ms = Math.max(0, Math.min(untilMs, it.ends) - Math.max(clock.now, it.starts));
        const value = (it.price * ms) / (it.ends - it.starts);
        served.set(it.id, (served.get(it.id) ?? 0) + value);
      }
    },
    async check(after) {
      const before = books;
      books = await read();
      expect(books.troubles, after).toEqual([]);
      expect({ ...books.accounts, bad_debt: 0 }, after).toEqual({
        ...accounts(books),
        bad_debt: 0,
      });
      expect(sum(Object.values(books.accounts)), after).toBe(0);
      for (const it of books.invoices) checkInvoice(it);
      checkServed(books, served);
      const mayLose = books.credit === 0 && takenBack(books) > takenBack(before);
      for (const [claim, units] of tooMuch(books)) {
        if (!mayLose) expect(units, `${after}: ${claim}`).toBeLessThanOrEqual(lost.get(claim) ?? 0);
        lost.set(claim, Math.max(0, units));
      }
    },
  };
}

const sum = (units: readonly number[]): number => units.reduce((one, other) => one + other, 0);
const sumOf = <Each>(rows: readonly Each[], units: (row: Each) => number): number =>
  sum(rows.map(units));

/** What the ledger has to say, by what invoices, payments and all else say themselves. */
function accounts(books: Books): Record<string, number> {
  const { refunds, disputes, credit_notes: notes } = books;
  const claims = books.invoices.filter((it) => it.status !== "void");
  const paid = books.payments.filter((it) => it.status === "succeeded");
  const [refunded, fees] = [sumOf(refunds, (it) => it.amount), sumOf(disputes, (it) => it.fee)];
  const disputed = sumOf(disputes, (it) => it.amount);
  const said = {
    receivable: sumOf(claims, (it) => (it.status === "open" ? it.amount_due : 0)),
    customer_credit: -books.credit,
    revenue: -sumOf(claims, (it) => it.total + it.discount - it.tax),
    discounts: sumOf(claims, (it) => it.discount),
    tax_payable: sumOf(notes, (it) => it.tax) - sumOf(claims, (it) => it.tax),
    credit_notes: sumOf(notes, (it) => it.amount - it.tax),
    "cash:gateway": sumOf(paid, (it) => it.amount) - refunded - disputed - fees,
    refunds: refunded,
    disputes: sumOf(disputes, (it) => it.amount - it.from_credit),
    dispute_fees: fees,
  };
  return Object.fromEntries(Object.entries(said).filter(([, units]) => units !== 0));
}

function checkInvoice(it: Invoice): void {
  const { subtotal, discount, tax, total } = it;
  expect({ subtotal, discount, tax, total }, it.id).toEqual({
    subtotal: sumOf(it.lines, (line) => line.amount),
    discount: sumOf(it.lines, (line) => line.discount),
    tax: sumOf(it.lines, (line) => line.tax),
    total: sumOf(it.lines, (line) => line.total),
  });
  expect(it.amount_due, it.id).toBeGreaterThanOrEqual(0);
  if (it.status === "void") return;
  const met = it.credit_applied + it.amount_paid + it.amount_due + it.credited;
  expect(met, it.id).toBeGreaterThanOrEqual(total);
}

/** Each line is rounded, its discount and its tax too. */
const ROUNDED = 2;

/** Whatever was changed when: what was served was billed. */
function checkServed({ invoices }: Books, served: ReadonlyMap<string, number>): void {
  for (const [id, value] of served) {
    const billed = invoices.filter((it) => it.subscription_id === id);
    const least = value - ROUNDED * sumOf(billed, (it) => it.lines.length);
    expect(
      sumOf(billed, (it) => it.total),
      `billed for ${id}`,
    ).toBeGreaterThanOrEqual(least);
  }
}

/**
 * By claim, what went out of it beyond what came in or is owed; below zero: what is left. A claim is an invoice, or all
 * of a period of a subscription with the changes in it; and all of the customer's together, with the credit in hand.
 */
function tooMuch({ credit, invoices, payments, disputes }: Books): Map<string, number> {
  const back = (it: Books["payments"][number]): number =>
    it.status === "succeeded"
      ? Math.min(it.amount, it.refunded + it.refund_pending + it.disputed)
      : 0;
  const owed = sumOf(invoices, (it) => (it.status === "open" ? it.amount_due : 0));
  const cameIn = sumOf(payments, (it) => (it.status === "succeeded" ? it.amount : 0));
  const claims = new Map([["the customer", credit + sumOf(payments, back) - cameIn - owed]]);
  const periods = new Map<string, number>();
  for (const it of invoices) {
    const { id, subscription_id: of } = it;
    const first = it.lines[0]?.kind === "subscription" ? 1 : 0;
    if (of !== null) periods.set(of, (periods.get(of) ?? 0) + first);
    const claim = of === null ? id : `${of}/${periods.get(of) ?? 0}`;
    const paid = payments.filter((payment) => payment.invoice_id === id);
    const ids = new Set(paid.map((payment) => payment.id));
    const fromCredit = disputes.filter((dispute) => ids.has(dispute.payment_id));
    const gone = it.credited + (it.status === "uncollectible" ? it.amount_due : 0);
    const left = it.status === "void" ? 0 : it.total - gone;
    const units = sumOf(paid, back) - sumOf(fromCredit, (one) => one.from_credit) - left;
    claims.set(claim, (claims.get(claim) ?? 0) + units);
  }
  return claims;
}

/** By the bank, or by whoever gave up a claim. Credit that was spent before cannot be taken for it. */
const takenBack = ({ invoices, payments }: Books): number =>
  sumOf(payments, (it) => it.disputed + (it.status === "reversed" ? it.amount : 0)) +
  sumOf(invoices, (it) => (it.status === "uncollectible" ? it.amount_due : 0));
