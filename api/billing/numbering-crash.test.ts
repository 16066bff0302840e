import { once } from "node:events";

import { expect, test } from "vitest";
import { z } from "zod";

import { TEST_ROOT_KEY, sendTo } from "#api/kit/testing.ts";

import { type BillingProcess, startProcess } from "./testing-process.ts";
import { testBilling } from "./testing.ts";

const KILLS = 6;
const SENDERS = 8;
/** A process is killed after this many responses, while all senders wait for the next one. */
const ANSWERS = { min: 1, max: 40 };

test(
  `after ${KILLS} processes were killed while finalising, invoice numbers have no gaps or duplicates and no answered invoice is lost`,
  { timeout: 240_000 },
  async () => {
    await using billing = await testBilling();
    const { database, databaseUrl } = billing.service;
    // Each sender has its own customer, so senders contend only for the number.
    const customers = await Promise.all(Array.from({ length: SENDERS }, () => billing.customer()));
    const numbers: string[] = [];
    for (let kill = 0; kill < KILLS; kill += 1) {
      const child = await startProcess({ databaseUrl, rootKey: TEST_ROOT_KEY });
      const responsesMax = ANSWERS.min + Math.floor(Math.random() * (ANSWERS.max - ANSWERS.min));
      numbers.push(...(await finalizeUntilKilled(child, { customers, responsesMax })));
    }
    const last = await billing.ask("POST", "/v1/invoices", { body: invoiceOf(customers[0]) });
    numbers.push(String(last["number"]));

    const Row = z.object({ sequence: z.number(), number: z.string() });
    const rows = await database.query(
      "SELECT sequence, number FROM invoices WHERE status = 'open' ORDER BY sequence",
    );
    const kept = rows.map((row) => Row.parse(row));
    expect(kept.map((it) => it.sequence)).toEqual(kept.map((_, index) => index + 1));
    expect(new Set(numbers).size).toBe(numbers.length);
    const all = new Set(kept.map((it) => it.number));
    expect(numbers.filter((it) => !all.has(it))).toEqual([]);
    expect(await database.query("SELECT id FROM invoices WHERE status = 'draft'")).toEqual([]);
    const posted = await database.query(
      "SELECT count(*) AS n FROM ledger_transactions WHERE kind = 'invoice'",
    );
    expect(posted).toEqual([{ n: kept.length }]);
    expect(await billing.differences()).toEqual([0]);
  },
);

const invoiceOf = (customerId: string | undefined) => ({
  customerId,
  lines: [{ description: "Work", unitAmount: 100 }],
  finalize: true,
});

/** @returns the numbers answered before the process ended */
async function finalizeUntilKilled(
  child: BillingProcess,
  { customers, responsesMax }: { customers: string[]; responsesMax: number },
): Promise<string[]> {
  const Invoice = z.object({ number: z.string() });
  const numbers: string[] = [];
  const ended = once(child.process, "exit");
  const send = async (customerId: string): Promise<void> => {
    for (;;) {
      const response = await sendTo(child.url, "POST", "/v1/invoices", {
        as: TEST_ROOT_KEY,
        body: invoiceOf(customerId),
      }).catch(() => undefined);
      if (response === undefined) return;
      numbers.push(Invoice.parse(response.json).number);
      if (numbers.length >= responsesMax) child.process.kill("SIGKILL");
    }
  };
  await Promise.all(customers.map(send));
  await ended;
  return numbers;
}
