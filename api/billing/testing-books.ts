import { expect } from "vitest";
import { z } from "zod";

import { type Send, type TestAnswer, type TestService, testService } from "#api/kit/testing.ts";
import { newId } from "#platform/ids.ts";

import { billing } from "./service.ts";

const Id = z.object({ id: z.string() });
/** Any JSON object of an answer: tests look at single fields. */
const Body = z.record(z.string(), z.unknown());
export type Body = z.infer<typeof Body>;

/** Billing with short ways to what nearly every test of it needs; all as the root of the installation. */
export type TestBooks = AsyncDisposable & {
  service: TestService & { databaseUrl: string };
  send(method: string, path: string, options?: Send): Promise<TestAnswer>;
  /** Sends as root and expects the status. */
  ask(method: string, path: string, options?: Send & { status?: number }): Promise<Body>;
  customer(it?: { country?: string; currency?: string; accountId?: string }): Promise<string>;
  price(it?: {
    unitAmount?: number;
    interval?: string;
    trialDays?: number;
    currency?: string;
    planId?: string;
  }): Promise<string>;
  plan(): Promise<string>;
  /** All events so far, oldest first. */
  events(): Promise<{ type: string; data: Body }[]>;
  /** The difference of every currency: none but zeros when the books balance. */
  differences(): Promise<unknown[]>;
  /** Expects that what the ledger says of customers is what invoices and customers say themselves. */
  agree(): Promise<void>;
};

const Events = z.object({
  items: z.array(z.object({ type: z.string(), data: Body })),
  next: z.string().nullable(),
});

export async function testBooks(options?: Parameters<typeof testService>[1]): Promise<TestBooks> {
  const service = await testService(billing, options);
  const send: TestBooks["send"] = (method, path, how) =>
    service.send(method, path, { as: service.root, ...how });
  const ask: TestBooks["ask"] = async (method, path, { status, ...how } = {}) => {
    const answer = await send(method, path, how);
    const expected = status ?? (method === "POST" ? 201 : 200);
    if (answer.status === expected) return Body.parse(answer.json ?? {});
    throw new Error(`${method} ${path}: ${answer.status} instead of ${expected}: ${answer.text}`);
  };
  const add = async (path: string, body: unknown): Promise<string> =>
    Id.parse(await ask("POST", path, { body })).id;
  const plan = (): Promise<string> => add("/v1/plans", { name: "Basic" });
  return {
    service,
    send,
    ask,
    plan,
    customer: (it) =>
      add("/v1/customers", {
        accountId: newId("acc"),
        name: "Ada",
        email: "ada@example.com",
        country: "DE",
        currency: "EUR",
        ...it,
      }),
    price: async (it) =>
      add("/v1/prices", {
        planId: it?.planId ?? (await plan()),
        currency: "EUR",
        unitAmount: 1_000,
        interval: "month",
        ...it,
      }),
    async events() {
      const [row] = await service.database.query("SELECT count(*) AS all FROM events");
      // Those of a moment ago are held back while any transaction of the server, also of another test, is open.
      for (;;) {
        const found = await allEvents(ask);
        if (found.length >= Number(row?.["all"])) return found;
      }
    },
    async differences() {
      const { currencies } = z
        .object({ currencies: z.array(z.object({ difference: z.unknown() })) })
        .parse(await ask("GET", "/v1/ledger/balance"));
      return currencies.map((it) => it.difference);
    },
    async agree() {
      expect(await service.database.query(OFF)).toEqual([{ receivable: 0, credit: 0, ledger: 0 }]);
    },
    [Symbol.asyncDispose]: () => service.stop(),
  };
}

const OFF = `
  SELECT ((SELECT coalesce(sum(amount), 0) FROM ledger_entries WHERE account LIKE 'receivable:%')
      - (SELECT coalesce(sum(amount_due), 0) FROM invoices WHERE status = 'open'))::integer AS receivable,
    ((SELECT coalesce(sum(-amount), 0) FROM ledger_entries WHERE account LIKE 'customer_credit:%')
      - (SELECT coalesce(sum(credit), 0) FROM customers))::integer AS credit,
    (SELECT coalesce(sum(amount), 0) FROM ledger_entries)::integer AS ledger`;

async function allEvents(ask: TestBooks["ask"]): Promise<{ type: string; data: Body }[]> {
  const found: { type: string; data: Body }[] = [];
  let cursor = "";
  for (;;) {
    const page = Events.parse(await ask("GET", `/v1/events?limit=100${cursor}`));
    found.push(...page.items);
    if (page.items.length === 0) return found;
    cursor = `&cursor=${page.next}`;
  }
}
