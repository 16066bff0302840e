import * as fc from "fast-check";
import { expect, test } from "vitest";

import {
  INVOICE_STATUSES,
  type InvoiceAction,
  creditFromPayment,
  nextStatus,
  requireNext,
  applyCredit,
  taxOfCreditNote,
  taxedLine,
  totalsOf,
  withDiscount,
} from "./invoice.ts";
import { imbalances, invoiceEntries, creditNoteEntries } from "./ledger.ts";
import { ZERO, money, sum } from "./money.ts";

const taxRate = fc.record({
  basisPoints: fc.integer({ min: 0, max: 10_000 }),
  inclusive: fc.boolean(),
});
const lines = fc
  .array(
    fc.bigInt({ min: 0n, max: 10n ** 9n }).map((amount) => ({
      kind: "item" as const,
      description: "Thing",
      quantity: 1,
      unitAmount: money(amount),
      amount: money(amount),
      discount: ZERO,
    })),
    { minLength: 1, maxLength: 20 },
  )
  .filter((it) => it.length > 0);
const discount = fc.bigInt({ min: 0n, max: 10n ** 10n });

test("an invoice is the sum of its lines, and its discount is the given one, limited to that sum", () => {
  fc.assert(
    fc.property(lines, discount, taxRate, (drafts, off, rate) => {
      const taxed = withDiscount(drafts, off).map((line) => taxedLine(line, rate));
      const totals = totalsOf(taxed);
      const most = sum(drafts.map((it) => it.amount));
      expect(totals.discount).toBe(off < most ? off : most);
      const onTop = rate.inclusive ? 0n : totals.tax;
      expect(totals.total).toBe(totals.subtotal - totals.discount + onTop);
      for (const line of taxed) expect(line.discount <= line.amount && line.total >= 0n).toBe(true);
    }),
  );
});

test("what an invoice and its credit notes post always balances, and the notes take back its tax exactly", () => {
  fc.assert(
    fc.property(
      fc.record({
        drafts: lines,
        rate: taxRate,
        credit: fc.bigInt({ min: 0n, max: 10n ** 11n }),
        notes: fc.array(fc.bigInt({ min: 1n, max: 10n ** 9n }), { maxLength: 10 }),
      }),
      ({ drafts, rate, credit, notes }) => {
        const totals = totalsOf(drafts.map((line) => taxedLine(line, rate)));
        const settled = applyCredit(totals.total, credit);
        const who = { customerId: "cus_1", currency: "EUR" };
        expect(imbalances(invoiceEntries({ ...who, ...totals, ...settled }))).toEqual([]);
        expect(settled.amountDue >= 0n && settled.creditAfter >= 0n).toBe(true);
        let [credited, creditedTax] = [0n, 0n];
        for (const wish of [...notes, 10n ** 12n]) {
          const left = totals.total - credited;
          const amount = wish < left ? wish : left;
          if (amount === 0n) break;
          const tax = taxOfCreditNote({ ...totals, credited, creditedTax }, amount);
          const entries = creditNoteEntries({ ...who, amount: money(amount), tax, fromDue: ZERO });
          expect(imbalances(entries)).toEqual([]);
          expect(tax >= 0n && tax <= amount).toBe(true);
          credited += amount;
          creditedTax += tax;
        }
        if (credited === totals.total)
          expect(creditedTax).toBe(totals.total === 0n ? 0n : totals.tax);
      },
    ),
  );
});

test("overpayment and later credit notes become credit, and nothing else of a payment does", () => {
  const invoice = {
    total: 100n,
    creditApplied: 10n,
    amountDue: 0n,
    prorated: 0n,
    paymentId: "pay_1",
  };
  const payment = { id: "pay_1", amount: 95n };
  const paid = { ...invoice, amountPaid: 90n, credited: 0n };
  expect(creditFromPayment(paid, payment)).toBe(5n);
  expect(creditFromPayment({ ...paid, credited: 20n }, payment)).toBe(25n);
  expect(creditFromPayment({ ...paid, prorated: 30n }, payment)).toBe(35n);
  // A credit note before the payment lowered the amount due instead.
  const lowered = { ...invoice, amountPaid: 70n, credited: 20n };
  expect(creditFromPayment(lowered, { ...payment, amount: 70n })).toBe(0n);
  expect(creditFromPayment(paid, { ...payment, id: "pay_2" })).toBe(95n);
});

test("invoice statuses allow exactly these actions, and the error names the allowed statuses", () => {
  const actions: InvoiceAction[] = ["finalize", "pay", "void", "write_off", "reopen", "edit"];
  const possible = INVOICE_STATUSES.flatMap((status) =>
    actions.flatMap((action) => {
      const next = nextStatus(status, action);
      return next === undefined ? [] : [`${status} ${action} ${next}`];
    }),
  );
  expect(possible).toEqual([
    "draft finalize open",
    "draft edit draft",
    "open pay paid",
    "open void void",
    "open write_off uncollectible",
    "paid reopen open",
    "uncollectible pay paid",
  ]);
  expect(() => requireNext("paid", "void")).toThrow(
    "The invoice is paid: only an invoice that is open can be voided.",
  );
});
