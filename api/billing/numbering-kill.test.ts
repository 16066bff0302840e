import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

import { expect, test } from "vitest";
import { z } from "zod";

import { TEST_ROOT_KEY, sendTo } from "#api/kit/testing.ts";

import { testBooks } from "./testing-books.ts";
import { PROCESS_FILE } from "./testing-process.ts";

const KILLS = 6;
const SENDERS = 8;
/** A process is killed when it has answered so many times, with all senders in the middle of the next one. */
const ANSWERS = { min: 1, max: 40 };

test(
  `after ${KILLS} processes were killed while finalising, numbers have no gap and no double, and nothing answered is lost`,
  { timeout: 240_000 },
  async () => {
    await using books = await testBooks();
    const { service } = books;
    // Each sender has a customer of its own: they meet only where the number is taken.
    const customers = await Promise.all(Array.from({ length: SENDERS }, () => books.customer()));
    const numbers: string[] = [];
    for (let kill = 0; kill < KILLS; kill += 1) {
      const child = await startProcess(service.databaseUrl);
      const answersMax = ANSWERS.min + Math.floor(Math.random() * (ANSWERS.max - ANSWERS.min));
      numbers.push(...(await finalizeUntilKilled(child, { customers, answersMax })));
    }
    const last = await books.ask("POST", "/v1/invoices", { body: invoiceOf(customers[0]) });
    numbers.push(String(last["number"]));

    const Row = z.object({ sequence: z.number(), number: z.string() });
    const rows = await service.database.query(
      "SELECT sequence, number FROM invoices WHERE status = 'open' ORDER BY sequence",
    );
    const kept = rows.map((row) => Row.parse(row));
    expect(kept.map((it) => it.sequence)).toEqual(kept.map((_, index) => index + 1));
    expect(new Set(numbers).size).toBe(numbers.length);
    const all = new Set(kept.map((it) => it.number));
    expect(numbers.filter((it) => !all.has(it))).toEqual([]);
    expect(await service.database.query("SELECT id FROM invoices WHERE status = 'draft'")).toEqual(
      [],
    );
    const posted = await service.database.query(
      "SELECT count(*) AS n FROM ledger_transactions WHERE kind = 'invoice'",
    );
    expect(posted).toEqual([{ n: kept.length }]);
    expect(await books.differences()).toEqual([0]);
  },
);

const invoiceOf = (customerId: string | undefined) => ({
  customerId,
  lines: [{ description: "Work", unitAmount: 100 }],
  finalize: true,
});

async function startProcess(databaseUrl: string): Promise<{ process: ChildProcess; url: string }> {
  const child = spawn(process.execPath, [PROCESS_FILE], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, DATABASE_URL: databaseUrl, API_ROOT_KEY: TEST_ROOT_KEY },
  });
  const lines = createInterface({ input: child.stdout });
  const [url] = z.tuple([z.string()]).parse(await once(lines, "line"));
  return { process: child, url };
}

/** @returns the numbers that were answered before the process was gone */
async function finalizeUntilKilled(
  child: { process: ChildProcess; url: string },
  { customers, answersMax }: { customers: string[]; answersMax: number },
): Promise<string[]> {
  const Answer = z.object({ number: z.string() });
  const numbers: string[] = [];
  const ended = once(child.process, "exit");
  const send = async (customerId: string): Promise<void> => {
    for (;;) {
      const answer = await sendTo(child.url, "POST", "/v1/invoices", {
        as: TEST_ROOT_KEY,
        body: invoiceOf(customerId),
      }).catch(() => undefined);
      if (answer === undefined) return;
      numbers.push(Answer.parse(answer.json).number);
      if (numbers.length >= answersMax) child.process.kill("SIGKILL");
    }
  };
  await Promise.all(customers.map(send));
  await ended;
  return numbers;
}
