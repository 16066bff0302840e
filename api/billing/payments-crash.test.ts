import { once } from "node:events";

import { expect, onTestFinished, test } from "vitest";

import { TEST_ROOT_KEY } from "#api/kit/testing.ts";

import { startProcess } from "./testing-process.ts";
import { testBilling } from "./testing.ts";

const PAYMENTS = 30;
const LEASE_MS_MAX = 120_000;
/** The process is killed when one of these counts reaches its value: before, between and after the steps. */
const KILLS = [
  ["SELECT count(*)::int AS n FROM sandbox_charges", 2],
  ["SELECT count(*)::int AS n FROM payments WHERE status = 'succeeded'", 6],
  ["SELECT count(*)::int AS n FROM payments WHERE status IN ('processing', 'succeeded')", 14],
  ["SELECT count(*)::int AS n FROM sandbox_events WHERE delivered_at IS NOT NULL", 14],
] as const;

test(
  "every payment is charged once and settled after a restart, whenever the process was killed",
  { timeout: 120_000 },
  async () => {
    await using billing = await testBilling();
    const { database, databaseUrl } = billing.service;
    const customerId = await billing.customer();
    const cards = ["ok", "no_answer", "answers_late"];
    const methods = [];
    for (const name of cards) methods.push(await billing.addCard(customerId, name));
    for (let count = 0; count < PAYMENTS; count += 1) {
      const invoiceId = await billing.invoice(customerId, 1_000 + count);
      await billing.pay(invoiceId, { paymentMethodId: methods[count % methods.length] });
    }
    for (const [index, [sql, atLeast]] of KILLS.entries()) {
      const aheadMs = (index + 1) * LEASE_MS_MAX;
      const options = { databaseUrl, rootKey: TEST_ROOT_KEY, aheadMs };
      const { process: child } = await startProcess(options);
      onTestFinished(() => void child.kill("SIGKILL"));
      const progress = async (): Promise<number> => Number((await database.query(sql))[0]?.["n"]);
      await expect.poll(progress, { timeout: 60_000, interval: 5 }).toBeGreaterThanOrEqual(atLeast);
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    }
    // The clocks of the killed processes were ahead; a retry is delayed by an hour at most.
    await billing.after((KILLS.length + 1) * LEASE_MS_MAX + 3_600_000);
    await billing.after(3_600_000);
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
    expect(await billing.differences()).toEqual([0]);
  },
);
