import { expect } from "vitest";
import { z } from "zod";

import type { TestBilling } from "./testing.ts";

type Row<Texts extends string, Amounts extends string> = Record<"id" | Texts, string> &
  Record<Amounts, number>;
type Sums = "discount" | "tax" | "total";
type Invoice = Row<
  "status",
  "subtotal" | Sums | "credit_applied" | "amount_due" | "amount_paid" | "credited"
> & { subscription_id: string | null; lines: Row<"kind", "amount" | Sums>[] };
/** All records of one customer, as `SNAPSHOT` returns them. */
type Snapshot = {
  credit: number;
  accounts: Record<string, number>;
  invoices: Invoice[];
  payments: Row<"invoice_id" | "status", "amount" | "refunded" | "refund_pending" | "disputed">[];
  refunds: Row<never, "amount">[];
  disputes: Row<"payment_id", "amount" | "fee" | "from_credit">[];
  credit_notes: Row<never, "amount" | "tax">[];
  /** Active subscriptions with the price of a whole period. */
  served: Row<never, "starts" | "ends" | "price">[];
  failedJobs: string[];
};
const Snapshot = z.custom<Snapshot>();

const all = (rows: string, order = "id"): string =>
  `(SELECT coalesce(json_agg(it ORDER BY ${order}), '[]') FROM (${rows}) it)`;
const own = (table: string, where = "true"): string =>
  all(`SELECT * FROM ${table} WHERE customer_id = $1 AND ${where}`);
/** $1: the customer; $2: the last ledger entry before the test. */
const SNAPSHOT = `SELECT json_build_object(
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
  'failedJobs', (SELECT coalesce(json_agg(kind || ': ' || last_error), '[]') FROM jobs
    WHERE failed_at IS NOT NULL OR last_error NOT LIKE '%did not respond')) AS snapshot`;

const NEWEST_FIRST = {
  subscriptions: "created_at DESC, id",
  invoices: "finalized_at DESC, sequence DESC",
  payments: "created_at DESC, id",
  disputes: "opened_at DESC, id",
  payment_methods: "created_at DESC, id",
} as const;
export type Kind = keyof typeof NEWEST_FIRST;

export type CustomerMonitor = {
  customerId: string;
  /** The id of the customer's n-th newest record of a kind. */
  nth(kind: Kind, nth: number): Promise<string | undefined>;
  /** Accounts for the service that active subscriptions deliver until then. */
  serve(untilMs: number): void;
  /** Expects that ledger and records agree and that the customer got no more than was paid for. */
  check(step: string): Promise<void>;
};

/** Monitors a new customer without any records. */
export async function monitorCustomer(
  billing: TestBilling,
  customerId: string,
): Promise<CustomerMonitor> {
  const { database, clock } = billing.service;
  const [last] = await database.query("SELECT coalesce(max(id), 0) AS id FROM ledger_entries");
  const read = async (): Promise<Snapshot> => {
    const [row] = await database.query(SNAPSHOT, [customerId, last?.["id"]]);
    return Snapshot.parse(row?.["snapshot"]);
  };
  let now = await read();
  const servedValue = new Map<string, number>();
  /** By claim, the excess that was accepted so far. */
  const accepted = new Map<string, number>();
  return {
    customerId,
    async nth(kind, nth) {
      const [row] = await database.query(
        `SELECT id FROM ${kind} WHERE customer_id = $1 ORDER BY ${NEWEST_FIRST[kind]} OFFSET $2 LIMIT 1`,
        [customerId, nth],
      );
      return row && String(row["id"]);
    },
    serve(untilMs) {
      for (const it of now.served) {
        const ms = Math.max(0, Math.min(untilMs, it.ends) - Math.max(clock.now, it.starts));
        const value = (it.price * ms) / (it.ends - it.starts);
        servedValue.set(it.id, (servedValue.get(it.id) ?? 0) + value);
      }
    },
    async check(step) {
      const before = now;
      now = await read();
      expect(now.failedJobs, step).toEqual([]);
      const expected = { ...expectedAccounts(now), bad_debt: 0 };
      expect({ ...now.accounts, bad_debt: 0 }, step).toEqual(expected);
      expect(sumOf(Object.values(now.accounts), Number), step).toBe(0);
      for (const it of now.invoices) checkInvoice(it);
      checkServed(now, servedValue);
      // Credit that was spent before a dispute, reversal or write-off cannot be reclaimed.
      const mayLose = now.credit === 0 && withdrawn(now) > withdrawn(before);
      for (const [claim, units] of excessByClaim(now)) {
        const most = accepted.get(claim) ?? 0;
        if (!mayLose) expect(units, `${step}: ${claim}`).toBeLessThanOrEqual(most);
        accepted.set(claim, Math.max(0, units));
      }
    },
  };
}

const sumOf = <Each>(rows: readonly Each[], units: (row: Each) => number): number =>
  rows.reduce((total, row) => total + units(row), 0);

/** Ledger balances that follow from invoices, payments, refunds, disputes and credit notes. */
function expectedAccounts(it: Snapshot): Record<string, number> {
  const { refunds, disputes, credit_notes: notes } = it;
  const claims = it.invoices.filter((invoice) => invoice.status !== "void");
  const paid = it.payments.filter((payment) => payment.status === "succeeded");
  const [refunded, fees] = [sumOf(refunds, (one) => one.amount), sumOf(disputes, (one) => one.fee)];
  const disputed = sumOf(disputes, (one) => one.amount);
  const balances = {
    receivable: sumOf(claims, (one) => (one.status === "open" ? one.amount_due : 0)),
    customer_credit: -it.credit,
    revenue: -sumOf(claims, (one) => one.total + one.discount - one.tax),
    discounts: sumOf(claims, (one) => one.discount),
    tax_payable: sumOf(notes, (one) => one.tax) - sumOf(claims, (one) => one.tax),
    credit_notes: sumOf(notes, (one) => one.amount - one.tax),
    "cash:gateway": sumOf(paid, (one) => one.amount) - refunded - disputed - fees,
    refunds: refunded,
    disputes: sumOf(disputes, (one) => one.amount - one.from_credit),
    dispute_fees: fees,
  };
  return Object.fromEntries(Object.entries(balances).filter(([, units]) => units !== 0));
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
  const covered = it.credit_applied + it.amount_paid + it.amount_due + it.credited;
  expect(covered, it.id).toBeGreaterThanOrEqual(total);
}

/** The discount and the tax of each line are rounded. */
const ROUNDING_UNITS = 2;

function checkServed({ invoices }: Snapshot, served: ReadonlyMap<string, number>): void {
  for (const [id, value] of served) {
    const billed = invoices.filter((it) => it.subscription_id === id);
    const least = value - ROUNDING_UNITS * sumOf(billed, (it) => it.lines.length);
    const total = sumOf(billed, (it) => it.total);
    expect(total, `billed for ${id}`).toBeGreaterThanOrEqual(least);
  }
}

/**
 * By claim, what was returned beyond what was paid or is owed; negative when something is left. A claim is an invoice
 * or one period of a subscription with its changes; "the customer" is all of them with the credit balance.
 */
function excessByClaim({ credit, invoices, payments, disputes }: Snapshot): Map<string, number> {
  const returned = (it: Snapshot["payments"][number]): number =>
    it.status === "succeeded"
      ? Math.min(it.amount, it.refunded + it.refund_pending + it.disputed)
      : 0;
  const owed = sumOf(invoices, (it) => (it.status === "open" ? it.amount_due : 0));
  const received = sumOf(payments, (it) => (it.status === "succeeded" ? it.amount : 0));
  const claims = new Map([["the customer", credit + sumOf(payments, returned) - received - owed]]);
  const periods = new Map<string, number>();
  for (const it of invoices) {
    const { id, subscription_id: of } = it;
    const first = it.lines[0]?.kind === "subscription" ? 1 : 0;
    if (of !== null) periods.set(of, (periods.get(of) ?? 0) + first);
    const claim = of === null ? id : `${of}/${periods.get(of) ?? 0}`;
    const paid = payments.filter((payment) => payment.invoice_id === id);
    const ids = new Set(paid.map((payment) => payment.id));
    const fromCredit = disputes.filter((dispute) => ids.has(dispute.payment_id));
    const reduced = it.credited + (it.status === "uncollectible" ? it.amount_due : 0);
    const left = it.status === "void" ? 0 : it.total - reduced;
    const units = sumOf(paid, returned) - sumOf(fromCredit, (one) => one.from_credit) - left;
    claims.set(claim, (claims.get(claim) ?? 0) + units);
  }
  return claims;
}

/** By the bank, or by a write-off. */
const withdrawn = ({ invoices, payments }: Snapshot): number =>
  sumOf(payments, (it) => it.disputed + (it.status === "reversed" ? it.amount : 0)) +
  sumOf(invoices, (it) => (it.status === "uncollectible" ? it.amount_due : 0));
