import * as fc from "fast-check";
import { expect, test } from "vitest";

import {
  DISPUTE_STATUSES,
  type DisputeEvent,
  type DisputeStatus,
  isClosed,
  transition,
  withdrawalEntries,
} from "./disputes.ts";
import { imbalances } from "./ledger.ts";

const DUE_MS = 1_000;
const events = fc.oneof(
  fc.record({ type: fc.constant("evidence" as const), nowMs: fc.nat({ max: 2_000 }) }),
  fc.record({ type: fc.constant("deadline" as const), nowMs: fc.nat({ max: 2_000 }) }),
  fc.record({ type: fc.constant("accept" as const) }),
  fc.record({
    type: fc.constant("decided" as const),
    outcome: fc.constantFrom("won" as const, "lost" as const),
  }),
);

const next = (status: DisputeStatus, event: DisputeEvent): DisputeStatus => {
  const transitioned = transition({ status, evidenceDueByMs: DUE_MS }, event);
  return transitioned.changed ? transitioned.status : status;
};

test("a closed dispute does not change and the reason states its status", () => {
  fc.assert(
    fc.property(fc.constantFrom(...DISPUTE_STATUSES.filter(isClosed)), events, (status, event) => {
      const transitioned = transition({ status, evidenceDueByMs: DUE_MS }, event);
      expect(transitioned).toEqual({ changed: false, reason: `the dispute is closed: ${status}` });
    }),
  );
});

test("evidence is accepted once before the deadline, and then the deadline has no effect", () => {
  fc.assert(
    fc.property(fc.nat({ max: 2_000 }), (nowMs) => {
      const status = next("needs_response", { type: "evidence", nowMs });
      expect(status).toBe(nowMs < DUE_MS ? "under_review" : "needs_response");
      const after = next(status, { type: "deadline", nowMs: DUE_MS });
      expect(after).toBe(nowMs < DUE_MS ? "under_review" : "expired");
    }),
  );
});

test("the ledger entries of any dispute balance", () => {
  const amounts = fc.bigInt({ min: 0n, max: 10n ** 12n });
  fc.assert(
    fc.property(amounts, amounts, amounts, (amount, fee, fromCredit) => {
      const dispute = { currency: "EUR", customerId: "cus_1", amount, fee, fromCredit };
      expect(imbalances(withdrawalEntries(dispute))).toEqual([]);
    }),
  );
});
