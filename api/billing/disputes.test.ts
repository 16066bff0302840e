import { expect, test } from "vitest";

import { DISPUTE_FEE, EVIDENCE_MS, LATER_MS } from "./domain/sandbox.ts";
import { type Paid, type TestMoney, testMoney } from "./testing-money.ts";

type Disputed = Paid & { disputeId: string };

async function disputed(money: TestMoney, amount = 2_000): Promise<Disputed> {
  const paid = await money.paidBy("dispute", amount);
  await money.after(LATER_MS.dispute);
  const [dispute] = await money.list(`/v1/disputes?paymentId=${paid.paymentId}`);
  return { ...paid, disputeId: String(dispute?.["id"]) };
}

async function balanceOf(money: TestMoney, account: string): Promise<unknown> {
  const { accounts } = await money.ask("GET", "/v1/ledger/balance");
  if (!Array.isArray(accounts)) return undefined;
  return accounts.find((it: { account: string }) => it.account === account)?.balance;
}

const give = (money: TestMoney, id: string, [explanation, status = 200]: [string, number?]) =>
  money.ask("POST", `/v1/disputes/${id}/evidence`, {
    body: { explanation },
    headers: { "if-match": '"1"' },
    status,
  });

test("a dispute takes amount and fee, and gives both back when it is won", async () => {
  await using money = await testMoney();
  const { disputeId, paymentId } = await disputed(money);
  expect(await money.ask("GET", `/v1/disputes/${disputeId}`)).toMatchObject({
    status: "needs_response",
    amount: 2_000,
    fee: Number(DISPUTE_FEE),
    excess: 0,
  });
  expect(await money.payment(paymentId)).toMatchObject({ status: "disputed", disputed: 2_000 });
  expect(await balanceOf(money, "cash:gateway")).toBe(-Number(DISPUTE_FEE));
  await money.post("/v1/refunds", { paymentId, reason: "too late" }, 409);
  expect(await give(money, disputeId, ["here is my winning_evidence"])).toMatchObject({
    status: "under_review",
    version: 2,
  });
  await give(money, disputeId, ["once more", 412]);
  await money.service.runJobs();
  expect(await money.ask("GET", `/v1/disputes/${disputeId}`)).toMatchObject({ status: "won" });
  expect(await money.payment(paymentId)).toMatchObject({ status: "succeeded", disputed: 0 });
  expect(await balanceOf(money, "cash:gateway")).toBe(2_000);
  await money.post("/v1/refunds", { paymentId, reason: "now it is possible" });
  expect(await money.differences()).toEqual([0]);
});

test("a dispute that is lost, accepted or not answered in time is over, and its money gone", async () => {
  await using money = await testMoney();
  const [lost, accepted, late] = [
    await disputed(money),
    await disputed(money),
    await disputed(money),
  ];
  await give(money, lost.disputeId, ["losing_evidence"]);
  await money.ask("POST", `/v1/disputes/${accepted.disputeId}/accept`, { status: 200 });
  await money.ask("POST", `/v1/disputes/${accepted.disputeId}/accept`, { status: 409 });
  await money.after(EVIDENCE_MS);
  const ends = [];
  for (const { disputeId, paymentId } of [lost, accepted, late]) {
    const { status } = await money.ask("GET", `/v1/disputes/${disputeId}`);
    ends.push(status);
    expect(await money.payment(paymentId)).toMatchObject({ status: "charged_back" });
    await money.post("/v1/refunds", { paymentId, reason: "nothing left" }, 409);
  }
  expect(ends).toEqual(["lost", "accepted", expect.stringMatching(/expired|lost/)]);
  await money.told("billing.dispute.lost", 3);
  expect(await money.differences()).toEqual([0]);
});

test("evidence is refused from the deadline on", async () => {
  await using money = await testMoney();
  const { disputeId } = await disputed(money);
  money.service.clock.now += EVIDENCE_MS;
  await give(money, disputeId, ["winning_evidence", 409]);
});

test("the bank decides what the evidence leaves open, as the sandbox is told", async () => {
  await using money = await testMoney();
  const { disputeId } = await disputed(money);
  await give(money, disputeId, ["it was delivered"]);
  await money.service.runJobs();
  await money.post(`/sandbox/disputes/${disputeId}/close`, { outcome: "won" }, 202);
  await money.service.runJobs();
  expect(await money.ask("GET", `/v1/disputes/${disputeId}`)).toMatchObject({ status: "won" });
  await money.post(`/sandbox/disputes/${disputeId}/close`, { outcome: "lost" }, 409);
});

test("a dispute of more than is left of a payment is taken whole and says by how much", async () => {
  await using money = await testMoney();
  const { paymentId } = await money.paidBy("ok", 1_000);
  await money.post("/v1/refunds", { paymentId, amount: 600, reason: "asked" });
  await money.service.runJobs();
  await money.post(`/sandbox/payments/${paymentId}/dispute`, {}, 202);
  await money.service.runJobs();
  const [dispute] = await money.list(`/v1/disputes?paymentId=${paymentId}`);
  expect(dispute).toMatchObject({ amount: 1_000, excess: 600 });
  expect(await balanceOf(money, "cash:gateway")).toBe(-600 - Number(DISPUTE_FEE));
  expect(await money.differences()).toEqual([0]);
});

test("disputes of a payment never come to more than the payment", async () => {
  await using money = await testMoney();
  const { paymentId } = await money.paidBy("ok", 1_000);
  const path = `/sandbox/payments/${paymentId}/dispute`;
  await money.post(path, { amount: 1_001 }, 409);
  await money.post(path, { amount: 400 }, 202);
  await money.post(path, { amount: 601 }, 409);
  await money.post(path, {}, 202);
  await money.post(path, {}, 409);
  await money.service.runJobs();
  expect(await money.payment(paymentId)).toMatchObject({ disputed: 1_000 });
  expect(await money.differences()).toEqual([0]);
});
