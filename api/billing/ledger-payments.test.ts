import * as fc from "fast-check";
import { expect, test } from "vitest";

import { SIGNATURE_HEADER, signWebhook } from "./gateway/signature.ts";
import { type TestBilling, WEBHOOK_KEY, testBilling } from "./testing.ts";

type Step =
  | { do: "pay"; card: string; amount: number }
  | { do: "refund" | "credit"; amount: number | undefined }
  | { do: "reverse" | "accept" }
  | { do: "dispute"; amount: number | undefined }
  | { do: "close"; outcome: "won" | "lost" };

const CARDS = [
  "ok",
  "declined",
  "no_answer",
  "late_failure",
  "dispute",
  "refund_late",
  "refund_fails",
];
const amounts = fc.integer({ min: 1, max: 3_000 });
const maybe = fc.option(amounts, { nil: undefined });
const steps = fc.oneof(
  fc.record({ do: fc.constant("pay" as const), card: fc.constantFrom(...CARDS), amount: amounts }),
  fc.record({
    do: fc.constantFrom("refund" as const, "refund" as const, "credit" as const),
    amount: maybe,
  }),
  fc.record({ do: fc.constantFrom("reverse" as const, "accept" as const) }),
  fc.record({ do: fc.constant("dispute" as const), amount: maybe }),
  fc.record({
    do: fc.constant("close" as const),
    outcome: fc.constantFrom("won" as const, "lost" as const),
  }),
);
/** The order in which webhooks arrive. */
const arrivals = fc.array(fc.nat({ max: 1_000 }), { minLength: 60, maxLength: 60 });

test(
  "the ledger balances after any sequence of payments, refunds and disputes with webhooks in any order",
  { timeout: 120_000 },
  async () => {
    await using billing = await testBilling();
    await stopDeliveries(billing);
    await fc.assert(
      fc.asyncProperty(
        fc.array(steps, { minLength: 3, maxLength: 8 }),
        arrivals,
        async (all, order) => {
          const payments: string[] = [];
          for (const step of all) await runStep(billing, step, payments);
          await deliverAll(billing, order);
          await billing.after(8 * 86_400_000);
          await deliverAll(billing, order);
          expect((await billing.differences()).filter((it) => it !== 0)).toEqual([]);
          await expectConsistent(billing);
          await billing.expectReconciled();
          await billing.service.database.query("DELETE FROM sandbox_events");
        },
      ),
      { numRuns: 25 },
    );
  },
);

/** Runs a step on the last payment; it may be refused. */
async function runStep(billing: TestBilling, step: Step, payments: string[]): Promise<void> {
  if (step.do === "pay") {
    const { paymentId } = await paidBy(billing, step);
    payments.push(paymentId);
    return;
  }
  const paymentId = payments.at(-1);
  if (paymentId === undefined) return;
  const [dispute] = await billing.list(`/v1/disputes?paymentId=${paymentId}`);
  const id = dispute === undefined ? `dsp_${"0".repeat(24)}` : String(dispute["id"]);
  const { invoiceId } = await billing.payment(paymentId);
  const ids = { paymentId, disputeId: id, invoiceId: String(invoiceId) };
  const response = await billing.send("POST", ...requestOf(step, ids));
  expect([200, 201, 202, 404, 409]).toContain(response.status);
  await billing.service.runJobs();
}

let keys = 0;
function requestOf(
  step: Exclude<Step, { do: "pay" }>,
  { paymentId, disputeId, invoiceId }: Record<"paymentId" | "disputeId" | "invoiceId", string>,
): [string, { body?: unknown; headers: Record<string, string> }] {
  keys += 1;
  const headers = { "idempotency-key": `k${keys}` };
  const amount = "amount" in step && step.amount !== undefined ? { amount: step.amount } : {};
  switch (step.do) {
    case "refund":
      return ["/v1/refunds", { body: { paymentId, reason: "r", ...amount }, headers }];
    case "credit":
      return ["/v1/credit-notes", { body: { invoiceId, reason: "r", ...amount }, headers }];
    case "reverse":
      return [`/sandbox/payments/${paymentId}/reverse`, { headers }];
    case "dispute":
      return [`/sandbox/payments/${paymentId}/dispute`, { body: amount, headers }];
    case "accept":
      return [`/v1/disputes/${disputeId}/accept`, { headers }];
    case "close":
      return [`/sandbox/disputes/${disputeId}/close`, { body: { outcome: step.outcome }, headers }];
  }
}

async function paidBy(billing: TestBilling, { card, amount }: { card: string; amount: number }) {
  const customerId = await billing.customer();
  await billing.addCard(customerId, card);
  const paymentId = await billing.pay(await billing.invoice(customerId, amount));
  await billing.service.runJobs();
  return { paymentId };
}

/** Stops the sandbox from delivering its events: the test delivers them. */
async function stopDeliveries(billing: TestBilling): Promise<void> {
  await billing.service.database.query(
    `CREATE FUNCTION no_delivery() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$`,
  );
  await billing.service.database.query(
    `CREATE TRIGGER no_delivery BEFORE INSERT ON jobs FOR EACH ROW
     WHEN (NEW.kind = 'sandbox.deliver') EXECUTE FUNCTION no_delivery()`,
  );
}

/** Delivers every event so far twice, in a random order. */
async function deliverAll(billing: TestBilling, order: readonly number[]): Promise<void> {
  const rows = await billing.service.database.query("SELECT body FROM sandbox_events ORDER BY id");
  const bodies = rows.map((it) => String(it["body"]));
  const drawn = [...bodies, ...bodies]
    .map((body, index) => ({ body, at: order[index % order.length] ?? 0 }))
    .toSorted((a, b) => a.at - b.at);
  for (const { body } of drawn) {
    const signature = signWebhook(WEBHOOK_KEY, Buffer.from(body), billing.service.clock.now);
    const headers = { "content-type": "application/json", [SIGNATURE_HEADER]: signature };
    const response = await billing.send("POST", "/v1/webhooks/sandbox", { body, headers });
    expect(response.status).toBe(200);
  }
}

/** Payments in Billing agree with charges of the gateway. */
async function expectConsistent(billing: TestBilling): Promise<void> {
  const rows = await billing.service.database.query(
    `SELECT p.status AS status, c.status AS charge, p.refunded::int AS refunded,
       (SELECT coalesce(sum(amount), 0)::int FROM sandbox_refunds r
        WHERE r.charge_id = c.id AND r.status = 'succeeded') AS charge_refunded
     FROM payments p JOIN sandbox_charges c ON c.reference = p.id`,
  );
  for (const { status, charge, refunded, charge_refunded: chargeRefunded } of rows) {
    const consistent = charge === "reversed" ? ["reversed", "failed"] : [charge];
    expect(consistent).toContain(status);
    expect(refunded).toBe(chargeRefunded);
  }
}
