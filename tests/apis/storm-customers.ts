import { setTimeout as delay } from "node:timers/promises";

import { z } from "zod";

import type { Asked, Client } from "./storm-client.ts";
import type { Site } from "./storm-site.ts";

/** What was answered with a success, and must therefore be there for ever. */
export type Promised = {
  accounts: string[];
  customers: string[];
  /** By id: the quantity that was set last. */
  subscriptions: Map<string, number>;
  paidInvoices: string[];
  refunds: string[];
  disputes: string[];
  /** Journeys that were gone through to their end. */
  journeys: number;
};

export type Shop = { client: Client; site: Site; priceId: string; promised: Promised };

const PASSWORD = "a horse that staples batteries";
const CARDS = {
  ok: "4242424242424242",
  confirm: "4000002500003155",
  dispute: "4000000000000259",
  lost: "4000000000004087",
  late: "4000000000006066",
} as const;
const KINDS = ["ok", "confirm", "dispute", "lost", "late"] as const;
const ENOUGH_MS = 60_000;
const LOOK_MS = 250;

export const Id = z.object({ id: z.string() });
const Token = z.object({ accessToken: z.string(), refreshToken: z.string() });
const Subscription = z.object({
  id: z.string(),
  latestInvoiceId: z.string(),
  version: z.int(),
  quantity: z.int(),
});
const Invoice = z.object({ status: z.string() });
const Payments = z.object({ items: z.array(z.object({ id: z.string(), status: z.string() })) });

/** One customer after the other, from sign-up to sign-out, until it is told that it is enough. */
export async function customers(shop: Shop, enough: AbortSignal, name: string): Promise<void> {
  for (let count = 0; !enough.aborted; count += 1) {
    const kind = KINDS[(count + name.length) % KINDS.length] ?? "ok";
    await journey(shop, { name: `${name}${count}`, kind });
    shop.promised.journeys += 1;
  }
}

type Person = { name: string; kind: (typeof KINDS)[number] };
type Customer = Person & { as: string; customerId: string };

async function journey(shop: Shop, person: Person): Promise<void> {
  const { client, promised } = shop;
  const email = `${person.name}@customers.example`;
  const body = { email, password: PASSWORD, name: person.name };
  const signUp: Asked = { service: "accounts", request: "POST /v1/accounts", body, status: 201 };
  const { id: accountId } = await client.ask(signUp, Id);
  promised.accounts.push(accountId);
  const signIn = { email, password: PASSWORD };
  const session = { service: "accounts", request: "POST /v1/sessions", status: 201 } as const;
  const { accessToken: as } = await client.ask({ ...session, body: signIn }, Token);
  const check = { service: "accounts", request: "GET /v1/session", as } as const;
  const known = await client.ask({ ...check, status: 200 }, z.object({ id: z.string() }));
  if (known.id !== accountId) throw new Error(`the token of ${accountId} is that of ${known.id}`);

  const customerId = await becomesCustomer(shop, { person, as, accountId, email });
  const customer = { ...person, as, customerId };
  const subscription = await subscribes(shop, customer);
  await changesQuantity(shop, customer, subscription);
  await getsMoneyBack(shop, customer, subscription.latestInvoiceId);

  const out = { service: "accounts", request: "DELETE /v1/session", as } as const;
  const { status, text } = await client.send(out);
  // 401: it was signed out, and the answer to that was lost.
  if (status !== 204 && status !== 401) throw new Error(`the sign-out: ${status} ${text}`);
  // The other worker hears of it a moment after the commit.
  await comesTrue("the token is refused", async () => {
    const after = await client.send(check);
    return after.status === 401 || undefined;
  });
}

type Joining = { person: Person; as: string; accountId: string; email: string };

async function becomesCustomer({ client, promised }: Shop, it: Joining): Promise<string> {
  const { person, as, accountId, email } = it;
  const { id } = await client.ask(
    {
      service: "billing",
      request: "POST /v1/customers",
      as,
      status: 201,
      body: { accountId, name: person.name, email, country: "DE", currency: "EUR" },
    },
    Id,
  );
  promised.customers.push(id);
  const card = { number: CARDS[person.kind], expMonth: 12, expYear: 2040, cvc: "123" };
  const request = `POST /v1/customers/${id}/payment-methods`;
  await client.ask({ service: "billing", request, as, status: 201, body: { card } }, Id);
  return id;
}

async function subscribes(shop: Shop, { as, customerId, kind }: Customer) {
  const { client, promised, priceId } = shop;
  const request = "POST /v1/subscriptions";
  const wanted = { service: "billing", request, as, status: 201 } as const;
  const subscription = await client.ask({ ...wanted, body: { customerId, priceId } }, Subscription);
  promised.subscriptions.set(subscription.id, 1);
  if (kind === "confirm") await confirms(shop, as, subscription.latestInvoiceId);
  await invoicePaid(shop, as, subscription.latestInvoiceId);
  promised.paidInvoices.push(subscription.latestInvoiceId);
  return subscription;
}

const invoicePaid = ({ client }: Shop, as: string, id: string): Promise<unknown> =>
  comesTrue(`invoice ${id} is paid`, async () => {
    const request = `GET /v1/invoices/${id}`;
    const asked = { service: "billing", request, as, status: 200 } as const;
    const { status } = await client.ask(asked, Invoice);
    return status === "paid" || undefined;
  });

const paymentOf = ({ client }: Shop, invoiceId: string, as: string) =>
  client
    .ask(
      { service: "billing", request: `GET /v1/payments?invoiceId=${invoiceId}`, as, status: 200 },
      Payments,
    )
    .then(({ items }) => items[0]);

/** The bank wants to see the customer: who confirms, until it is under way. */
const confirms = (shop: Shop, as: string, invoiceId: string): Promise<unknown> =>
  comesTrue(`the payment of ${invoiceId} is confirmed`, async () => {
    const payment = await paymentOf(shop, invoiceId, as);
    if (payment?.status !== "requires_action") return payment?.status === "succeeded" || undefined;
    const request = `POST /v1/payments/${payment.id}/confirm`;
    const { status, text } = await shop.client.send({ service: "billing", request, as });
    // 409: what is confirmed has gone on meanwhile.
    if (status !== 202 && status !== 409) throw new Error(`confirm: ${status} ${text}`);
    return status === 202 || undefined;
  });

async function changesQuantity(shop: Shop, { as }: Customer, { id }: { id: string }) {
  const { client, promised } = shop;
  const request = `/v1/subscriptions/${id}`;
  await comesTrue(`subscription ${id} has another quantity`, async () => {
    const read = { service: "billing", request: `GET ${request}`, as, status: 200 } as const;
    const now = await client.ask(read, Subscription);
    // It was done, and the answer to that was lost.
    if (now.quantity === 2) return true;
    const headers = { "if-match": `"${now.version}"` };
    const change = { service: "billing", request: `PATCH ${request}`, as, headers } as const;
    const { status, text } = await client.send({ ...change, body: { quantity: 2 } });
    if (status !== 200 && status !== 412) throw new Error(`the quantity: ${status} ${text}`);
    return status === 200 || undefined;
  });
  promised.subscriptions.set(id, 2);
}

async function getsMoneyBack(shop: Shop, customer: Customer, invoiceId: string): Promise<void> {
  const { client, promised, site } = shop;
  const as = site.rootKey;
  const payment = await paymentOf(shop, invoiceId, as);
  if (payment === undefined) throw new Error(`${invoiceId} is paid without a payment`);
  if (customer.kind === "dispute") return disputes(shop, payment.id);
  const body = { paymentId: payment.id, amount: 1_000, reason: "too small" };
  const refund = { service: "billing", request: "POST /v1/refunds", as, status: 201 } as const;
  const { id } = await client.ask({ ...refund, body }, Id);
  promised.refunds.push(id);
  await comesTrue(`refund ${id} is made`, async () => {
    const request = `GET /v1/refunds/${id}`;
    const asked = { service: "billing", request, as, status: 200 } as const;
    return (await client.ask(asked, Invoice)).status === "succeeded" || undefined;
  });
}

async function disputes({ client, promised, site }: Shop, paymentId: string): Promise<void> {
  const all = { service: "billing", as: site.rootKey } as const;
  const find = async (status: string) => {
    const request = `GET /v1/disputes?paymentId=${paymentId}&status=${status}`;
    const { items } = await client.ask({ ...all, request, status: 200 }, Payments);
    return items[0]?.id;
  };
  const id = await comesTrue(`${paymentId} is disputed`, () => find("needs_response"));
  const close = `POST /sandbox/disputes/${id}/close`;
  const outcome = promised.disputes.length % 2 === 0 ? "lost" : "won";
  await client.ask({ ...all, request: close, status: 202, body: { outcome } }, z.unknown());
  await comesTrue(`dispute ${id} is ${outcome}`, () => find(outcome));
  promised.disputes.push(id);
}

/** Asks again and again until there is something. */
export async function comesTrue<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  const untilMs = performance.now() + ENOUGH_MS;
  for (;;) {
    const found = await ask();
    if (found !== undefined) return found;
    if (performance.now() > untilMs) throw new Error(`in vain was waited until ${what}`);
    await delay(LOOK_MS);
  }
}
