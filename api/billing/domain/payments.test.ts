import * as fc from "fast-check";
import { expect, test } from "vitest";

import { fromWire, money } from "./money.ts";
import {
  type PaymentEvent,
  type PaymentState,
  advance,
  decideRefund,
  refundable,
  displayStatus,
} from "./payments.ts";

const chargeId = "ch_1";
const events = fc.constantFrom<PaymentEvent[]>(
  { type: "started" },
  { type: "accepted", chargeId },
  { type: "authentication_required", chargeId },
  { type: "confirmed" },
  { type: "succeeded", chargeId },
  { type: "failed", reason: "declined" },
  { type: "reversed", reason: "returned" },
);
const after = (sequence: readonly PaymentEvent[]): PaymentState[] =>
  sequence.reduce<PaymentState[]>(
    (states, event) => [...states, advance(states.at(-1) ?? CREATED, event)],
    [CREATED],
  );
const CREATED: PaymentState = { status: "created" };

test("no sequence of events makes a payment succeed or be reversed more than once", () => {
  fc.assert(
    fc.property(fc.array(events, { maxLength: 20 }), (sequence) => {
      const steps = after(sequence).map((it) => it.status);
      const changes = steps.filter((it, index) => it !== steps[index - 1]);
      expect(changes.filter((it) => it === "succeeded").length).toBeLessThanOrEqual(1);
      expect(changes.filter((it) => it === "reversed").length).toBeLessThanOrEqual(1);
      if (changes.includes("reversed")) expect(changes).toContain("succeeded");
      if (changes.includes("failed")) expect(changes.at(-1)).toBe("failed");
    }),
  );
});

test("a duplicated event has no further effect", () => {
  fc.assert(
    fc.property(fc.array(events, { maxLength: 20 }), (sequence) => {
      const twice = sequence.flatMap((event) => [event, event]);
      expect(after(twice).at(-1)).toEqual(after(sequence).at(-1));
    }),
  );
});

test("the events of a charge lead to the same outcome in every order", () => {
  const reported: PaymentEvent[] = [
    { type: "succeeded", chargeId },
    { type: "reversed", reason: "returned" },
  ];
  const isPaid = (sequence: PaymentEvent[]): boolean =>
    after([{ type: "started" }, ...sequence]).at(-1)?.status === "succeeded";
  fc.assert(
    fc.property(fc.shuffledSubarray([...reported, ...reported], { minLength: 4 }), (sequence) => {
      expect(isPaid(sequence)).toBe(false);
    }),
  );
});

const amounts = fc.integer({ min: 0, max: 1_000 }).map(fromWire);
const payments = fc
  .record({ amount: amounts, refunded: amounts, refundPending: amounts, disputed: amounts })
  .filter((it) => it.amount > 0n && it.refunded + it.refundPending <= it.amount);

test("a refund is never zero or more than what is left", () => {
  const state: PaymentState = { status: "succeeded", chargeId };
  fc.assert(
    fc.property(payments, fc.option(amounts, { nil: undefined }), (payment, requested) => {
      fc.pre(requested !== 0n);
      const whole = { ...payment, state, disputesOpen: 0 };
      const decision = decideRefund(whole, requested);
      if (!decision.ok) return;
      expect(decision.amount).toBeGreaterThan(0n);
      expect(decision.amount).toBeLessThanOrEqual(refundable(whole));
      expect(decision.amount).toBe(requested ?? refundable(whole));
    }),
  );
});

test("the public status reflects refunds and disputes", () => {
  const state: PaymentState = { status: "succeeded", chargeId };
  const zero = money(0n);
  const paid = { state, amount: money(10n), refunded: zero, refundPending: zero, disputed: zero };
  expect(displayStatus({ ...paid, disputesOpen: 0 })).toBe("succeeded");
  expect(displayStatus({ ...paid, disputesOpen: 0, refunded: money(4n) })).toBe(
    "partially_refunded",
  );
  expect(displayStatus({ ...paid, disputesOpen: 0, refunded: money(10n) })).toBe("refunded");
  expect(displayStatus({ ...paid, disputesOpen: 1, disputed: money(10n) })).toBe("disputed");
  expect(displayStatus({ ...paid, disputesOpen: 0, disputed: money(10n) })).toBe("charged_back");
});
