import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { z } from "zod";

import type { ServiceName } from "#api/kit/service.ts";
import { type Send, type TestAnswer, sendTo } from "#api/kit/testing.ts";
import { parseSettings } from "#platform/settings/settings.ts";
import { type Apis, startApis } from "#server/apis/start-apis.ts";
import { ALL_SETTINGS } from "#server/settings.ts";

/**
 * The life of one customer through the public HTTP APIs of five real processes, and nothing else: signs up, subscribes
 * with a coupon, is invoiced and charged, disputes the charge and wins it from the shop, which is then in the reports.
 */
const DISPUTE_CARD = "4000000000000259";
const PATIENCE = { timeout: 60_000, interval: 200 };
const PASSWORD = "a horse that staples batteries";

let folder = "";
let apis: Apis;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "quarterdeck journey "));
  const ports = ["ACCOUNTS", "BILLING", "MANAGEMENT", "LOGGING", "REPORTING"].map(
    (name) => [`API_${name}_PORT`, "0"] as const,
  );
  const settings = parseSettings(ALL_SETTINGS, {
    ...Object.fromEntries(ports),
    QUARTERDECK_DATA: folder,
  });
  apis = await startApis(settings, () => undefined);
  await apis.ready;
}, 120_000);
afterAll(async () => {
  await apis.stop();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

const send = (service: ServiceName, request: string, options: Send = {}): Promise<TestAnswer> => {
  const [method = "GET", target = "/"] = request.split(" ");
  const headers = method === "POST" ? { "idempotency-key": crypto.randomUUID() } : {};
  const more = { ...options, headers: { ...headers, ...options.headers } };
  return sendTo(apis.urls[service] ?? "", method, target, more);
};
async function ask<Schema extends z.ZodType>(
  answer: Promise<TestAnswer>,
  status: number,
  schema: Schema,
): Promise<z.output<Schema>> {
  const { status: given, json, text } = await answer;
  expect(given, text).toBe(status);
  return schema.parse(json);
}

const Id = z.object({ id: z.string() });
const Subscription = z.object({ id: z.string(), latestInvoiceId: z.string() });
const Invoice = z.object({
  number: z.string(),
  status: z.string(),
  total: z.number(),
  subtotal: z.number(),
  discount: z.number(),
});
const Page = z.object({ items: z.array(z.looseObject({ id: z.string(), status: z.string() })) });
const Balance = z.object({
  currencies: z.array(z.object({ currency: z.string(), difference: z.number() })),
});
const Report = z.object({
  columns: z.array(z.object({ name: z.string() })),
  rows: z.array(z.record(z.string(), z.unknown())),
});

/** Until a list of Billing has something in a status. */
const waitFor = (list: string, status: string, as: string): Promise<string> =>
  vi.waitFor(async () => {
    const { items } = await ask(send("billing", `GET ${list}`, { as }), 200, Page);
    const found = items.find((it) => it.status === status);
    expect(items.map((it) => it.status)).toContain(status);
    return found?.id ?? "";
  }, PATIENCE);

test("sign-up → subscribe with coupon → invoice → charge → dispute → lost → report, and the ledger balances", async () => {
  const root = apis.rootKey;
  // The shop has something to sell.
  const { id: planId } = await ask(
    send("billing", "POST /v1/plans", { as: root, body: { name: "Large box" } }),
    201,
    Id,
  );
  const price = { planId, currency: "EUR", unitAmount: 4_000, interval: "month" };
  const { id: priceId } = await ask(
    send("billing", "POST /v1/prices", { as: root, body: price }),
    201,
    Id,
  );
  const coupon = { code: "QUARTER", basisPointsOff: 2_500, duration: "once" };
  await ask(send("billing", "POST /v1/coupons", { as: root, body: coupon }), 201, Id);

  // The customer signs up and in.
  const person = { email: "ada@customers.example", password: PASSWORD, name: "Ada" };
  const account = await ask(send("accounts", "POST /v1/accounts", { body: person }), 201, Id);
  const { accessToken: as } = await ask(
    send("accounts", "POST /v1/sessions", { body: { email: person.email, password: PASSWORD } }),
    201,
    z.object({ accessToken: z.string() }),
  );

  // Subscribes with a coupon and a card that will be disputed.
  const customer = {
    accountId: account.id,
    name: "Ada",
    email: person.email,
    country: "DE",
    currency: "EUR",
  };
  const { id: customerId } = await ask(
    send("billing", "POST /v1/customers", { as, body: customer }),
    201,
    Id,
  );
  const card = { number: DISPUTE_CARD, expMonth: 12, expYear: 2040, cvc: "123" };
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

  // Is invoiced and charged.
  const invoice = await vi.waitFor(async () => {
    const found = await ask(
      send("billing", `GET /v1/invoices/${latestInvoiceId}`, { as }),
      200,
      Invoice,
    );
    expect(found.status).toBe("paid");
    return found;
  }, PATIENCE);
  expect(invoice).toMatchObject({ subtotal: 4_000, discount: 1_000 });

  // Disputes the charge; the bank decides for the customer.
  const disputeId = await waitFor("/v1/disputes", "needs_response", root);
  const close = { as: root, body: { outcome: "lost" } };
  await ask(send("billing", `POST /sandbox/disputes/${disputeId}/close`, close), 202, z.unknown());
  await waitFor("/v1/disputes", "lost", root);

  // What was lost is in the reports.
  await vi.waitFor(async () => {
    const request = "GET /v1/reports/refunds-and-chargebacks?step=day";
    const { rows } = await ask(send("reporting", request, { as: root }), 200, Report);
    expect(rows).toContainEqual(
      expect.objectContaining({
        currency: "EUR",
        payments: 1,
        paymentsAmount: invoice.total,
        disputesLost: 1,
        disputesAmount: invoice.total,
      }),
    );
  }, PATIENCE);

  // Every cent has a place.
  const { currencies } = await ask(
    send("billing", "GET /v1/ledger/balance", { as: root }),
    200,
    Balance,
  );
  expect(currencies).toEqual([expect.objectContaining({ currency: "EUR", difference: 0 })]);
}, 180_000);
