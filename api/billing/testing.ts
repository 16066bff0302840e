import { hkdfSync, randomUUID } from "node:crypto";

import { expect } from "vitest";
import { z } from "zod";

import {
  TEST_ROOT_KEY,
  type Send,
  type TestResponse,
  type TestOptions,
  type TestService,
  testService,
} from "#api/kit/testing.ts";
import { newId } from "#platform/ids.ts";

import type { CommandContext } from "./commands/context.ts";
import { TEST_CARDS } from "./domain/sandbox.ts";
import { billing } from "./service.ts";

export const DAY_MS = 86_400_000;
/** Signs events as the sandbox gateway does. */
export const WEBHOOK_KEY = Buffer.from(
  hkdfSync("sha256", TEST_ROOT_KEY, "", "quarterdeck webhooks of the gateway sandbox", 32),
);

const Id = z.object({ id: z.string() });
const Body = z.record(z.string(), z.unknown());
type Body = z.infer<typeof Body>;
const Items = z.object({ items: z.array(Body) });
const Events = z.object({
  items: z.array(z.object({ type: z.string(), data: Body })),
  next: z.string().nullable(),
});
const Balance = z.object({ currencies: z.array(z.object({ difference: z.unknown() })) });

type Expecting = Send & { status?: number };
type Paid = { customerId: string; invoiceId: string; paymentId: string };

/** Billing with shortcuts for its tests. All requests are sent with the root key unless `as` is given. */
export type TestBilling = AsyncDisposable & {
  service: TestService & { databaseUrl: string };
  send(method: string, path: string, options?: Send): Promise<TestResponse>;
  /** Sends and expects the status; by default 201 for POST, else 200. */
  ask(method: string, path: string, options?: Expecting): Promise<Body>;
  /** `ask` for a POST with a new Idempotency-Key. */
  post(path: string, body?: unknown, status?: number): Promise<Body>;
  /** PUT or PATCH with `If-Match: *`. */
  put(path: string, body: object): Promise<Body>;
  patch(path: string, body: object): Promise<Body>;
  get(path: string): Promise<Body>;
  list(path: string): Promise<Body[]>;
  plan(): Promise<string>;
  price(it?: Record<string, unknown>): Promise<string>;
  customer(it?: Record<string, unknown>): Promise<string>;
  subscribe(body: Record<string, unknown>): Promise<Body>;
  subscription(id: unknown): Promise<Body>;
  coupon(body: object): Promise<Body>;
  latestInvoice(subscription: Body): Promise<Body>;
  customerCredit(customerId: string): Promise<unknown>;
  /** Adds one of `TEST_CARDS`. */
  addCard(customerId: string, name: string): Promise<string>;
  /** A finalised invoice. */
  invoice(customerId: string, amount?: number): Promise<string>;
  /** Starts a payment and returns its id. */
  pay(invoiceId: string, body?: object): Promise<string>;
  /** A new customer with this card whose invoice has been charged. */
  paidBy(name: string, amount?: number): Promise<Paid>;
  payment(id: string): Promise<Body>;
  /** Advances the clock and runs the jobs due by then. */
  after(ms: number): Promise<void>;
  runUntil(time: string): Promise<void>;
  /** Repeats a request that a busy machine refused for lack of a connection. @returns the status */
  statusOf(method: string, path: string, options?: Send): Promise<number>;
  /** All events so far, oldest first. */
  events(): Promise<{ type: string; data: Body }[]>;
  /** Waits until the feed has this many events of a type; more fail the test. */
  expectEvents(type: string, count: number): Promise<void>;
  /** Debits minus credits of every currency: all zero when the ledger balances. */
  differences(): Promise<unknown[]>;
  /** Expects the ledger to agree with invoices and customers. */
  expectReconciled(): Promise<void>;
};

const discard = () => Promise.resolve();

/** Runs a command in a transaction. Its events and jobs are discarded. */
export function runCommand<Result>(
  { service: { database, clock } }: TestBilling,
  command: (context: CommandContext) => Promise<Result>,
): Promise<Result> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- commands use no more of the kit
  const kit = { publish: discard, jobs: { add: discard } } as unknown as CommandContext["kit"];
  return database.transaction((tx) => command({ kit, tx, nowMs: clock.now }));
}

export const numberOf = (name: string): string =>
  TEST_CARDS.find((it) => it.name === name)?.number ?? "";

export async function testBilling(options?: TestOptions): Promise<TestBilling> {
  const service = await testService(billing, options);
  return { ...shortcuts(service), service, [Symbol.asyncDispose]: () => service.stop() };
}

function shortcuts(service: TestService): Omit<TestBilling, "service" | symbol> {
  const requests = requestsTo(service);
  const { post, get } = requests;
  const records = recordsBy(requests);
  const pay: TestBilling["pay"] = async (invoiceId, body = {}) =>
    Id.parse(await post(`/v1/invoices/${invoiceId}/pay`, body, 202)).id;
  return {
    ...requests,
    ...records,
    ...inspections(service, requests),
    pay,
    subscribe: (body) => post("/v1/subscriptions", body),
    subscription: (id) => get(`/v1/subscriptions/${String(id)}`),
    coupon: (body) => post("/v1/coupons", body),
    latestInvoice: ({ latestInvoiceId }) => get(`/v1/invoices/${String(latestInvoiceId)}`),
    customerCredit: async (id) => (await get(`/v1/customers/${id}`))["credit"],
    async paidBy(name, amount) {
      const customerId = await records.customer();
      await records.addCard(customerId, name);
      const invoiceId = await records.invoice(customerId, amount);
      const paymentId = await pay(invoiceId);
      await service.runJobs();
      return { customerId, invoiceId, paymentId };
    },
    payment: (id) => get(`/v1/payments/${id}`),
    async after(ms) {
      service.clock.now += ms;
      await service.runJobs();
    },
    async runUntil(time) {
      service.clock.now = Date.parse(time);
      await service.runJobs();
    },
    async statusOf(...request) {
      for (;;) {
        const { status } = await requests.send(...request);
        if (status !== 503) return status;
      }
    },
  };
}

type Records = Pick<TestBilling, "plan" | "price" | "customer" | "addCard" | "invoice">;

function recordsBy({ post }: Requests): Records {
  const add = async (path: string, body: object): Promise<string> =>
    Id.parse(await post(path, body)).id;
  const plan = (): Promise<string> => add("/v1/plans", { name: "Basic" });
  return {
    plan,
    async price(it) {
      const planId = it?.["planId"] ?? (await plan());
      const price = { planId, currency: "EUR", unitAmount: 1_000, interval: "month" };
      return add("/v1/prices", { ...price, ...it });
    },
    customer: (it) =>
      add("/v1/customers", {
        accountId: newId("acc"),
        name: "Ada",
        email: "ada@example.com",
        country: "DE",
        currency: "EUR",
        ...it,
      }),
    addCard(customerId, name) {
      const number = numberOf(name);
      const cvc = number.length === 15 ? "1234" : "123";
      const card = { number, expMonth: 12, expYear: 2090, cvc };
      return add(`/v1/customers/${customerId}/payment-methods`, { card });
    },
    invoice(customerId, unitAmount = 1_000) {
      const lines = [{ description: "Work", quantity: 1, unitAmount }];
      return add("/v1/invoices", { customerId, lines, finalize: true });
    },
  };
}

type Requests = Pick<TestBilling, "send" | "ask" | "post" | "put" | "patch" | "get" | "list">;

function requestsTo(service: TestService): Requests {
  const send: Requests["send"] = (method, path, options) =>
    service.send(method, path, { as: service.root, ...options });
  const ask: Requests["ask"] = async (method, path, { status, ...options } = {}) => {
    const response = await send(method, path, options);
    const expected = status ?? (method === "POST" ? 201 : 200);
    if (response.status === expected) return Body.parse(response.json ?? {});
    throw new Error(
      `${method} ${path}: ${response.status} instead of ${expected}: ${response.text}`,
    );
  };
  const change =
    (method: string) =>
    (path: string, body: object): Promise<Body> =>
      ask(method, path, { body, headers: { "if-match": "*" } });
  const get: Requests["get"] = (path) => ask("GET", path);
  return {
    send,
    ask,
    get,
    put: change("PUT"),
    patch: change("PATCH"),
    post: (path, body, status = 201) =>
      ask("POST", path, { body, status, headers: { "idempotency-key": randomUUID() } }),
    list: async (path) => Items.parse(await get(path)).items,
  };
}

const UNRECONCILED = `
  SELECT ((SELECT coalesce(sum(amount), 0) FROM ledger_entries WHERE account LIKE 'receivable:%')
      - (SELECT coalesce(sum(amount_due), 0) FROM invoices WHERE status = 'open'))::integer AS receivable,
    ((SELECT coalesce(sum(-amount), 0) FROM ledger_entries WHERE account LIKE 'customer_credit:%')
      - (SELECT coalesce(sum(credit), 0) FROM customers))::integer AS credit,
    (SELECT coalesce(sum(amount), 0) FROM ledger_entries)::integer AS ledger`;

function inspections({ database }: TestService, { get }: Requests) {
  const allEvents = async (): Promise<{ type: string; data: Body }[]> => {
    const found: { type: string; data: Body }[] = [];
    let cursor = "";
    for (;;) {
      const page = Events.parse(await get(`/v1/events?limit=100${cursor}`));
      found.push(...page.items);
      if (page.items.length === 0) return found;
      cursor = `&cursor=${page.next}`;
    }
  };
  // The feed holds recent events back while any transaction of the server, also of another test, is open.
  const events = async () => {
    const [row] = await database.query("SELECT count(*) AS all FROM events");
    for (;;) {
      const found = await allEvents();
      if (found.length >= Number(row?.["all"])) return found;
    }
  };
  return {
    events,
    expectEvents: (type: string, count: number): Promise<void> =>
      expect
        .poll(async () => (await events()).filter((it) => it.type === type), { timeout: 20_000 })
        .toHaveLength(count),
    differences: async () =>
      Balance.parse(await get("/v1/ledger/balance")).currencies.map((it) => it.difference),
    async expectReconciled() {
      const rows = await database.query(UNRECONCILED);
      expect(rows).toEqual([{ receivable: 0, credit: 0, ledger: 0 }]);
    },
  };
}
