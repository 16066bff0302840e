import { readFile } from "node:fs/promises";

import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { z } from "zod";

import type { ServiceName } from "#api/kit/service.ts";
import { type Send, type TestResponse, sendTo } from "#api/kit/testing.ts";
import { parseSettings } from "#platform/settings/settings.ts";
import { type Apis, startApis } from "#server/apis/start-apis.ts";
import { createBackends } from "#server/demo/apis/backends.ts";
import { ApiAddresses } from "#server/demo/apis/client.ts";
import { passwordOf, people } from "#server/demo/people.ts";
import { ALL_SETTINGS } from "#server/settings.ts";

import { temporaryFolder, until } from "../harness/program.ts";
import { FREE_API_PORTS, logLinesIn } from "../harness/service.ts";

/** Two kinds of customers of the same five processes, through public HTTP only; they pay in different currencies. */
const WAIT = { timeout: 60_000, interval: 200 };
const stack = new AsyncDisposableStack();
let folder: string;
let apis: Apis;

beforeAll(async () => {
  folder = stack.use(await temporaryFolder()).path;
  const settings = parseSettings(ALL_SETTINGS, { ...FREE_API_PORTS, QUARTERDECK_DATA: folder });
  apis = await startApis(settings, () => undefined);
  stack.defer(() => apis.stop());
  await apis.ready;
}, 120_000);
afterAll(() => stack.disposeAsync(), 60_000);

const send = (service: ServiceName, request: string, options: Send = {}): Promise<TestResponse> => {
  const [method = "GET", target = "/"] = request.split(" ");
  const headers = method === "POST" ? { "idempotency-key": crypto.randomUUID() } : {};
  const more = { ...options, headers: { ...headers, ...options.headers } };
  return sendTo(apis.urls[service] ?? "", method, target, more);
};

async function ask<Schema extends z.ZodType>(
  response: Promise<TestResponse>,
  status: number,
  schema: Schema,
): Promise<z.output<Schema>> {
  const { status: given, json, text } = await response;
  expect(given, text).toBe(status);
  return schema.parse(json);
}

const Id = z.object({ id: z.string() });
const Items = z.object({ items: z.array(z.record(z.string(), z.unknown())) });

/** The first page of a list, read with the root key. */
async function list(service: ServiceName, path: string): Promise<Record<string, unknown>[]> {
  const request = `GET ${path}?limit=100`;
  return (await ask(send(service, request, { as: apis.rootKey }), 200, Items)).items;
}

describe("a customer with a card that will be disputed", () => {
  const DISPUTED_CARD = "4000000000000259";
  const PASSWORD = "a horse that staples batteries";
  const Subscription = z.object({ id: z.string(), latestInvoiceId: z.string() });
  const Invoice = z.object({
    number: z.string(),
    status: z.string(),
    total: z.number(),
    subtotal: z.number(),
    discount: z.number(),
  });
  const Balance = z.object({
    currencies: z.array(z.object({ currency: z.string(), difference: z.number() })),
  });
  const Report = z.object({
    columns: z.array(z.object({ name: z.string() })),
    rows: z.array(z.record(z.string(), z.unknown())),
  });
  const Disputes = z.object({
    items: z.array(z.object({ id: z.string(), currency: z.string(), status: z.string() })),
  });

  /** Waits until the customer's dispute has a status. */
  const disputeWith = (status: string): Promise<string> =>
    vi.waitFor(async () => {
      const request = send("billing", "GET /v1/disputes?limit=100", { as: apis.rootKey });
      const { items } = await ask(request, 200, Disputes);
      const own = items.find((it) => it.currency === "CHF");
      expect(own?.status).toBe(status);
      return own?.id ?? "";
    }, WAIT);

  test("sign-up → subscribe with coupon → invoice → charge → dispute → lost → report, and the ledger balances", async () => {
    const root = apis.rootKey;
    // The shop creates its products.
    const { id: planId } = await ask(
      send("billing", "POST /v1/plans", { as: root, body: { name: "Large box" } }),
      201,
      Id,
    );
    const price = { planId, currency: "CHF", unitAmount: 4_000, interval: "month" };
    const { id: priceId } = await ask(
      send("billing", "POST /v1/prices", { as: root, body: price }),
      201,
      Id,
    );
    const coupon = { code: "QUARTER", basisPointsOff: 2_500, duration: "once" };
    await ask(send("billing", "POST /v1/coupons", { as: root, body: coupon }), 201, Id);

    // The customer signs up and signs in.
    const person = { email: "ada@customers.example", password: PASSWORD, name: "Ada" };
    const account = await ask(send("accounts", "POST /v1/accounts", { body: person }), 201, Id);
    const { accessToken: as } = await ask(
      send("accounts", "POST /v1/sessions", { body: { email: person.email, password: PASSWORD } }),
      201,
      z.object({ accessToken: z.string() }),
    );

    // The customer subscribes with the coupon and the card.
    const customer = {
      accountId: account.id,
      name: "Ada",
      email: person.email,
      country: "CH",
      currency: "CHF",
    };
    const { id: customerId } = await ask(
      send("billing", "POST /v1/customers", { as, body: customer }),
      201,
      Id,
    );
    const card = { number: DISPUTED_CARD, expMonth: 12, expYear: 2040, cvc: "123" };
    const methods = `POST /v1/customers/${customerId}/payment-methods`;
    const { id: paymentMethodId } = await ask(
      send("billing", methods, { as, body: { card } }),
      201,
      Id,
    );
    const wanted = { customerId, priceId, couponCode: "QUARTER", paymentMethodId };
    const { latestInvoiceId } = await ask(
      send("billing", "POST /v1/subscriptions", { as, body: wanted }),
      201,
      Subscription,
    );

    // The customer is invoiced and charged.
    const invoice = await vi.waitFor(async () => {
      const found = await ask(
        send("billing", `GET /v1/invoices/${latestInvoiceId}`, { as }),
        200,
        Invoice,
      );
      expect(found.status).toBe("paid");
      return found;
    }, WAIT);
    expect(invoice).toMatchObject({ subtotal: 4_000, discount: 1_000 });

    // The customer disputes the charge, and the bank decides for the customer.
    const disputeId = await disputeWith("needs_response");
    const close = { as: root, body: { outcome: "lost" } };
    const path = `POST /sandbox/disputes/${disputeId}/close`;
    await ask(send("billing", path, close), 202, z.unknown());
    await disputeWith("lost");

    // The loss is in the reports.
    await vi.waitFor(async () => {
      const request = "GET /v1/reports/refunds-and-chargebacks?step=day";
      const { rows } = await ask(send("reporting", request, { as: root }), 200, Report);
      expect(rows).toContainEqual(
        expect.objectContaining({
          currency: "CHF",
          payments: 1,
          paymentsAmount: invoice.total,
          disputesLost: 1,
          disputesAmount: invoice.total,
        }),
      );
    }, WAIT);

    // The ledger balances.
    const { currencies } = await ask(
      send("billing", "GET /v1/ledger/balance", { as: root }),
      200,
      Balance,
    );
    expect(currencies.map(({ currency }) => currency)).toContain("CHF");
    expect(currencies.filter(({ difference }) => difference !== 0)).toEqual([]);
  }, 180_000);
});

describe("the demo's shop", () => {
  const closing = new AbortController();
  let shop: ReturnType<typeof createBackends>;
  beforeAll(async () => {
    shop = createBackends({ folder, signal: closing.signal });
    await shop.use(ApiAddresses.parse({ urls: apis.urls, rootKey: apis.rootKey }));
  });
  afterAll(() => closing.abort());
  afterEach(() => vi.useRealTimers());

  /** Only in the shop's currency: the other customer pays in another one. */
  const own = async (path: string): Promise<Record<string, unknown>[]> =>
    (await list("billing", path)).filter(({ currency }) => currency === "EUR");
  const statusesIn = async (path: string): Promise<unknown[]> =>
    (await own(path)).map(({ status }) => status);

  test("regular customers sign up, subscribe, pay and dispute right after the start, at any hour", async () => {
    await until("paid invoices", async () => (await statusesIn("/v1/invoices")).includes("paid"));
    await until("a declined card", async () =>
      (await statusesIn("/v1/payments")).includes("failed"),
    );
    await until("a dispute", async () => (await own("/v1/disputes")).length > 0);
    const taxed = (await own("/v1/invoices")).filter(({ tax }) => Number(tax) > 0);
    expect(taxed.length).toBeGreaterThan(0);
    const accounts = await list("accounts", "/v1/accounts");
    expect(accounts.length).toBeGreaterThan(2);
  }, 90_000);

  test("a visitor signs in, orders twice and signs out in the APIs", async () => {
    const person = people.at(-1);
    if (person === undefined) throw new Error("the demo has no people");
    const visit = (method: string, path: string, form: Record<string, string> = {}) =>
      shop.before({ method, path, user: person.name, form: new URLSearchParams(form) });
    // A visitor who is not signed in cannot sign out.
    expect(await visit("POST", "/logout")).toBeUndefined();
    const credentials = { user: person.name, password: passwordOf(person.name) };
    expect(await visit("POST", "/login", credentials)).toBeUndefined();
    expect(await visit("POST", "/api/orders")).toBeUndefined();
    expect(await visit("POST", "/api/orders")).toBeUndefined();
    // A long visit: the access token of the sign-in expires after ten minutes.
    vi.useFakeTimers({ toFake: ["performance"] });
    vi.advanceTimersByTime(20 * 60_000);
    expect(await visit("GET", "/account")).toBeUndefined();
    vi.useRealTimers();
    expect(await visit("POST", "/logout")).toBeUndefined();
    const customers = await list("billing", "/v1/customers");
    const customer = customers.find(({ name }) => name === person.name);
    const subscriptions = await list("billing", "/v1/subscriptions");
    const subscription = subscriptions.find(({ customerId }) => customerId === customer?.["id"]);
    expect(subscription).toMatchObject({ status: "active", quantity: 2 });
    const log = `${folder}/logs/api/accounts.access.ndjson`;
    const requests = async () =>
      logLinesIn(await readFile(log, "utf8"))
        .filter((line) => line["source.ip"] === person.address)
        .map((line) => line["message"]);
    await until("the sign-out in the log", async () =>
      (await requests()).includes("DELETE /v1/session 204"),
    );
    expect(await requests()).toContain("POST /v1/sessions/refresh 200");
    expect(await requests()).not.toContain("DELETE /v1/session 401");
  }, 60_000);
});
