import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

import { expect, onTestFinished, test } from "vitest";

import { TEST_ROOT_KEY } from "#api/kit/testing.ts";

import { WORKER_FILE } from "./testing-money-worker.ts";
import { testMoney } from "./testing-money.ts";

const PAYMENTS = 30;
const LEASE_OVER_MS = 120_000;
/** Kinds of progress at which the process is killed: before, between and after its steps. */
const KILLS = [
  ["SELECT count(*)::int AS n FROM sandbox_charges", 2],
  ["SELECT count(*)::int AS n FROM payments WHERE status = 'succeeded'", 6],
  ["SELECT count(*)::int AS n FROM payments WHERE status IN ('processing', 'succeeded')", 14],
  ["SELECT count(*)::int AS n FROM sandbox_events WHERE delivered_at IS NOT NULL", 14],
] as const;

test(
  "whenever a process is killed, every payment is charged once and settled after a restart",
  { timeout: 120_000 },
  async () => {
    await using money = await testMoney();
    const customerId = await money.customer();
    const cards = ["ok", "no_answer", "answers_late"];
    const methods = [];
    for (const name of cards) methods.push(await money.addCard(customerId, name));
    for (let count = 0; count < PAYMENTS; count += 1) {
      const invoiceId = await money.invoice(customerId, 1_000 + count);
      const paymentMethodId = methods[count % methods.length];
      await money.post(`/v1/invoices/${invoiceId}/pay`, { paymentMethodId }, 202);
    }
    for (const [index, [sql, atLeast]] of KILLS.entries()) {
      const child = start(money.service.databaseUrl, (index + 1) * LEASE_OVER_MS);
      const progress = async (): Promise<number> =>
        Number((await money.service.database.query(sql))[0]?.["n"]);
      await expect.poll(progress, { timeout: 60_000, interval: 5 }).toBeGreaterThanOrEqual(atLeast);
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    }
    // The clocks of the killed ones were ahead; what waits for a next try does so for an hour at most.
    await money.after((KILLS.length + 1) * LEASE_OVER_MS + 3_600_000);
    await money.after(3_600_000);
    const { database } = money.service;
    const states = await database.query(
      `SELECT p.status, count(c.id)::int AS charges, min(c.status) AS charge, i.status AS invoice
       FROM payments p JOIN invoices i ON i.id = p.invoice_id
       LEFT JOIN sandbox_charges c ON c.reference = p.id GROUP BY p.id, i.id`,
    );
    const settled = { status: "succeeded", charges: 1, charge: "succeeded", invoice: "paid" };
    expect(states).toEqual(Array.from({ length: PAYMENTS }, () => settled));
    const [cash] = await database.query(
      "SELECT sum(amount)::int AS cash FROM ledger_entries WHERE account = 'cash:gateway'",
    );
    expect(cash).toEqual({ cash: PAYMENTS * 1_000 + (PAYMENTS * (PAYMENTS - 1)) / 2 });
    expect(await money.differences()).toEqual([0]);
  },
);

function start(databaseUrl: string, aheadMs: number): ChildProcess {
  const child = spawn(
    process.execPath,
    [WORKER_FILE, databaseUrl, TEST_ROOT_KEY, String(aheadMs)],
    {
      stdio: ["ignore", "ignore", "inherit"],
    },
  );
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}
