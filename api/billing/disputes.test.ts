import { expect, test } from "vitest";

import { DISPUTE_FEE, EVIDENCE_MS, LATER_MS } from "./domain/sandbox.ts";
import { type TestBilling, testBilling } from "./testing.ts";

type Disputed = Awaited<ReturnType<TestBilling["paidBy"]>> & { disputeId: string };

async function disputed(billing: TestBilling, amount = 2_000): Promise<Disputed> {
  const paid = await billing.paidBy("dispute", amount);
  await billing.after(LATER_MS.dispute);
  const [dispute] = await billing.list(`/v1/disputes?paymentId=${paid.paymentId}`);
  return { ...paid, disputeId: String(dispute?.["id"]) };
}

async function balanceOf(billing: TestBilling, account: string): Promise<unknown> {
  const { accounts } = await billing.get("/v1/ledger/balance");
  if (!Array.isArray(accounts)) return undefined;
  return accounts.find((it: { account: string }) => it.account === account)?.balance;
}

const submit = (billing: TestBilling, id: string, [explanation, status = 200]: [string, number?]) =>
  billing.ask("POST", `/v1/disputes/${id}/evidence`, {
    body: { explanation },
    headers: { "if-match": '"1"' },
    status,
  });

test("a dispute withdraws amount and fee, and a won dispute returns both", async () => {
  await using billing = await testBilling();
  const { disputeId, paymentId } = await disputed(billing);
  expect(await billing.get(`/v1/disputes/${disputeId}`)).toMatchObject({
    status: "needs_response",
    amount: 2_000,
    fee: Number(DISPUTE_FEE),
    excess: 0,
  });
  expect(await billing.payment(paymentId)).toMatchObject({ status: "disputed", disputed: 2_000 });
  expect(await balanceOf(billing, "cash:gateway")).toBe(-Number(DISPUTE_FEE));
  await billing.post("/v1/refunds", { paymentId, reason: "too late" }, 409);
  expect(await submit(billing, disputeId, ["here is my winning_evidence"])).toMatchObject({
    status: "under_review",
    version: 2,
  });
  await submit(billing, disputeId, ["once more", 412]);
  await billing.service.runJobs();
  expect(await billing.get(`/v1/disputes/${disputeId}`)).toMatchObject({ status: "won" });
  expect(await billing.payment(paymentId)).toMatchObject({ status: "succeeded", disputed: 0 });
  expect(await balanceOf(billing, "cash:gateway")).toBe(2_000);
  await billing.post("/v1/refunds", { paymentId, reason: "now it is possible" });
  expect(await billing.differences()).toEqual([0]);
});

test("a dispute that is lost, accepted or unanswered at its deadline is closed and its amount is lost", async () => {
  await using billing = await testBilling();
  const [lost, accepted, late] = [
    await disputed(billing),
    await disputed(billing),
    await disputed(billing),
  ];
  await submit(billing, lost.disputeId, ["losing_evidence"]);
  await billing.ask("POST", `/v1/disputes/${accepted.disputeId}/accept`, { status: 200 });
  await billing.ask("POST", `/v1/disputes/${accepted.disputeId}/accept`, { status: 409 });
  await billing.after(EVIDENCE_MS);
  const statuses = [];
  for (const { disputeId, paymentId } of [lost, accepted, late]) {
    const { status } = await billing.get(`/v1/disputes/${disputeId}`);
    statuses.push(status);
    expect(await billing.payment(paymentId)).toMatchObject({ status: "charged_back" });
    await billing.post("/v1/refunds", { paymentId, reason: "nothing left" }, 409);
  }
  expect(statuses).toEqual(["lost", "accepted", expect.stringMatching(/expired|lost/)]);
  await billing.expectEvents("billing.dispute.lost", 3);
  expect(await billing.differences()).toEqual([0]);
});

test("evidence is refused after the deadline", async () => {
  await using billing = await testBilling();
  const { disputeId } = await disputed(billing);
  billing.service.clock.now += EVIDENCE_MS;
  await submit(billing, disputeId, ["winning_evidence", 409]);
});

test("the bank's decision is applied when the evidence contains no outcome keyword", async () => {
  await using billing = await testBilling();
  const { disputeId } = await disputed(billing);
  await submit(billing, disputeId, ["it was delivered"]);
  await billing.service.runJobs();
  await billing.post(`/sandbox/disputes/${disputeId}/close`, { outcome: "won" }, 202);
  await billing.service.runJobs();
  expect(await billing.get(`/v1/disputes/${disputeId}`)).toMatchObject({ status: "won" });
  await billing.post(`/sandbox/disputes/${disputeId}/close`, { outcome: "lost" }, 409);
});

test("a dispute of more than is left of a payment is recorded in full with its excess", async () => {
  await using billing = await testBilling();
  const { paymentId } = await billing.paidBy("ok", 1_000);
  await billing.post("/v1/refunds", { paymentId, amount: 600, reason: "asked" });
  await billing.service.runJobs();
  await billing.post(`/sandbox/payments/${paymentId}/dispute`, {}, 202);
  await billing.service.runJobs();
  const [dispute] = await billing.list(`/v1/disputes?paymentId=${paymentId}`);
  expect(dispute).toMatchObject({ amount: 1_000, excess: 600 });
  expect(await balanceOf(billing, "cash:gateway")).toBe(-600 - Number(DISPUTE_FEE));
  expect(await billing.differences()).toEqual([0]);
});

test("disputes of a payment never exceed the payment", async () => {
  await using billing = await testBilling();
  const { paymentId } = await billing.paidBy("ok", 1_000);
  const path = `/sandbox/payments/${paymentId}/dispute`;
  await billing.post(path, { amount: 1_001 }, 409);
  await billing.post(path, { amount: 400 }, 202);
  await billing.post(path, { amount: 601 }, 409);
  await billing.post(path, {}, 202);
  await billing.post(path, {}, 409);
  await billing.service.runJobs();
  expect(await billing.payment(paymentId)).toMatchObject({ disputed: 1_000 });
  expect(await billing.differences()).toEqual([0]);
});
