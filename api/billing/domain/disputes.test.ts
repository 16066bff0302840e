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
  const verdict = transition({ status, evidenceDueByMs: DUE_MS }, event);
  return verdict.changed ? verdict.status : status;
};

test("a dispute that is over stays as it is, and says so", () => {
  fc.assert(
    fc.property(fc.constantFrom(...DISPUTE_STATUSES.filter(isClosed)), events, (status, event) => {
      const verdict = transition({ status, evidenceDueByMs: DUE_MS }, event);
      expect(verdict).toEqual({ changed: false, reason: `the dispute is over: ${status}` });
    }),
  );
});

test("evidence counts before the deadline, once, and then the deadline does nothing", () => {
  fc.assert(
    fc.property(fc.nat({ max: 2_000 }), (nowMs) => {
      const status = next("needs_response", { type: "evidence", nowMs });
      expect(status).toBe(nowMs < DUE_MS ? "under_review" : "needs_response");
      const after = next(status, { type: "deadline", nowMs: DUE_MS });
      expect(after).toBe(nowMs < DUE_MS ? "under_review" : "expired");
    }),
  );
});

test("what a dispute takes balances, whatever it is", () => {
  const amounts = fc.bigInt({ min: 0n, max: 10n ** 12n });
  fc.assert(
    fc.property(amounts, amounts, amounts, (amount, fee, fromCredit) => {
      const dispute = { currency: "EUR", customerId: "cus_1", amount, fee, fromCredit };
      expect(imbalances(withdrawalEntries(dispute))).toEqual([]);
    }),
  );
});
