import { setTimeout as delay } from "node:timers/promises";

import { z } from "zod";

import type { Call, Client } from "./client.ts";
import type { Installation } from "./installation.ts";

/** The results of successful requests, which must be kept. */
export type Acknowledged = {
  accounts: string[];
  customers: string[];
  /** The last quantity, by id. */
  subscriptions: Map<string, number>;
  paidInvoices: string[];
  refunds: string[];
  disputes: string[];
  /** Complete journeys. */
  journeys: number;
};

export type Shop = {
  client: Client;
  installation: Installation;
  priceId: string;
  acknowledged: Acknowledged;
};

const PASSWORD = "a horse that staples batteries";
const CARDS = {
  ok: "4242424242424242",
  confirm: "4000002500003155",
  dispute: "4000000000000259",
  lost: "4000000000004087",
  late: "4000000000006066",
} as const;
const KINDS = ["ok", "confirm", "dispute", "lost", "late"] as const;
const WAIT_MS_MAX = 60_000;
const POLL_MS = 250;

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

/** Runs customers one after another, from sign-up to sign-out, until the signal aborts. */
export async function customers(shop: Shop, signal: AbortSignal, name: string): Promise<void> {
  for (let count = 0; !signal.aborted; count += 1) {
    const kind = KINDS[(count + name.length) % KINDS.length] ?? "ok";
    await journey(shop, { name: `${name}${count}`, kind });
    shop.acknowledged.journeys += 1;
  }
}

type Person = { name: string; kind: (typeof KINDS)[number] };
type Customer = Person & { as: string; customerId: string };

async function journey(shop: Shop, person: Person): Promise<void> {
  const { client, acknowledged } = shop;
  const email = `${person.name}@customers.example`;
  const body = { email, password: PASSWORD, name: person.name };
  const signUp: Call = { service: "accounts", request: "POST /v1/accounts", body, status: 201 };
  const { id: accountId } = await client.ask(signUp, Id);
  acknowledged.accounts.push(accountId);
  const signIn = { email, password: PASSWORD };
  const session = { service: "accounts", request: "POST /v1/sessions", status: 201 } as const;
  const { accessToken: as } = await client.ask({ ...session, body: signIn }, Token);
  const check = { service: "accounts", request: "GET /v1/session", as } as const;
  const known = await client.ask({ ...check, status: 200 }, z.object({ id: z.string() }));
  if (known.id !== accountId) throw new Error(`the token of ${accountId} belongs to ${known.id}`);

  const customerId = await createCustomer(shop, { person, as, accountId, email });
  const customer = { ...person, as, customerId };
  const subscription = await subscribe(shop, customer);
  await changeQuantity(shop, customer, subscription);
  await refund(shop, customer, subscription.latestInvoiceId);

  const out = { service: "accounts", request: "DELETE /v1/session", as } as const;
  const { status, text } = await client.send(out);
  // 401: the session was ended, and the response was lost.
  if (status !== 204 && status !== 401) throw new Error(`the sign-out: ${status} ${text}`);
  // The other worker is notified after the commit.
  await eventually("the token is refused", async () => {
    const after = await client.send(check);
    return after.status === 401 || undefined;
  });
}

type Joining = { person: Person; as: string; accountId: string; email: string };

async function createCustomer({ client, acknowledged }: Shop, it: Joining): Promise<string> {
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
  acknowledged.customers.push(id);
  const card = { number: CARDS[person.kind], expMonth: 12, expYear: 2040, cvc: "123" };
  const request = `POST /v1/customers/${id}/payment-methods`;
  await client.ask({ service: "billing", request, as, status: 201, body: { card } }, Id);
  return id;
}

async function subscribe(shop: Shop, { as, customerId, kind }: Customer) {
  const { client, acknowledged, priceId } = shop;
  const request = "POST /v1/subscriptions";
  const wanted = { service: "billing", request, as, status: 201 } as const;
  const subscription = await client.ask({ ...wanted, body: { customerId, priceId } }, Subscription);
  acknowledged.subscriptions.set(subscription.id, 1);
  if (kind === "confirm") await confirm(shop, as, subscription.latestInvoiceId);
  await invoicePaid(shop, as, subscription.latestInvoiceId);
  acknowledged.paidInvoices.push(subscription.latestInvoiceId);
  return subscription;
}

const invoicePaid = ({ client }: Shop, as: string, id: string): Promise<unknown> =>
  eventually(`invoice ${id} is paid`, async () => {
    const request = `GET /v1/invoices/${id}`;
    const call = { service: "billing", request, as, status: 200 } as const;
    const { status } = await client.ask(call, Invoice);
    return status === "paid" || undefined;
  });

const paymentOf = ({ client }: Shop, invoiceId: string, as: string) =>
  client
    .ask(
      { service: "billing", request: `GET /v1/payments?invoiceId=${invoiceId}`, as, status: 200 },
      Payments,
    )
    .then(({ items }) => items[0]);

/** Confirms the payment, as the bank requires, until it is processed. */
const confirm = (shop: Shop, as: string, invoiceId: string): Promise<unknown> =>
  eventually(`the payment of ${invoiceId} is confirmed`, async () => {
    const payment = await paymentOf(shop, invoiceId, as);
    if (payment?.status !== "requires_action") return payment?.status === "succeeded" || undefined;
    const request = `POST /v1/payments/${payment.id}/confirm`;
    const { status, text } = await shop.client.send({ service: "billing", request, as });
    // 409: it was confirmed before, and the response was lost.
    if (status !== 202 && status !== 409) throw new Error(`confirm: ${status} ${text}`);
    return status === 202 || undefined;
  });

async function changeQuantity(shop: Shop, { as }: Customer, { id }: { id: string }) {
  const { client, acknowledged } = shop;
  const request = `/v1/subscriptions/${id}`;
  await eventually(`subscription ${id} has another quantity`, async () => {
    const read = { service: "billing", request: `GET ${request}`, as, status: 200 } as const;
    const now = await client.ask(read, Subscription);
    // It was changed, and the response was lost.
    if (now.quantity === 2) return true;
    const headers = { "if-match": `"${now.version}"` };
    const change = { service: "billing", request: `PATCH ${request}`, as, headers } as const;
    const { status, text } = await client.send({ ...change, body: { quantity: 2 } });
    if (status !== 200 && status !== 412) throw new Error(`the quantity: ${status} ${text}`);
    return status === 200 || undefined;
  });
  acknowledged.subscriptions.set(id, 2);
}

async function refund(shop: Shop, customer: Customer, invoiceId: string): Promise<void> {
  const { client, acknowledged, installation } = shop;
  const as = installation.rootKey;
  const payment = await paymentOf(shop, invoiceId, as);
  if (payment === undefined) throw new Error(`${invoiceId} is paid without a payment`);
  if (customer.kind === "dispute") return dispute(shop, payment.id);
  const body = { paymentId: payment.id, amount: 1_000, reason: "too small" };
  const creation = { service: "billing", request: "POST /v1/refunds", as, status: 201 } as const;
  const { id } = await client.ask({ ...creation, body }, Id);
  acknowledged.refunds.push(id);
  await eventually(`refund ${id} is made`, async () => {
    const request = `GET /v1/refunds/${id}`;
    const call = { service: "billing", request, as, status: 200 } as const;
    return (await client.ask(call, Invoice)).status === "succeeded" || undefined;
  });
}

async function dispute(
  { client, acknowledged, installation }: Shop,
  paymentId: string,
): Promise<void> {
  const all = { service: "billing", as: installation.rootKey } as const;
  const find = async (status: string) => {
    const request = `GET /v1/disputes?paymentId=${paymentId}&status=${status}`;
    const { items } = await client.ask({ ...all, request, status: 200 }, Payments);
    return items[0]?.id;
  };
  const id = await eventually(`${paymentId} is disputed`, () => find("needs_response"));
  const close = `POST /sandbox/disputes/${id}/close`;
  const outcome = acknowledged.disputes.length % 2 === 0 ? "lost" : "won";
  await client.ask({ ...all, request: close, status: 202, body: { outcome } }, z.unknown());
  await eventually(`dispute ${id} is ${outcome}`, () => find(outcome));
  acknowledged.disputes.push(id);
}

/** Repeats the request until there is a result. */
export async function eventually<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  const endMs = performance.now() + WAIT_MS_MAX;
  for (;;) {
    const found = await ask();
    if (found !== undefined) return found;
    if (performance.now() > endMs) throw new Error(`timed out waiting until ${what}`);
    await delay(POLL_MS);
  }
}
