import { createHash } from "node:crypto";

import { z } from "zod";

import { passwordOf, type Person } from "../people.ts";
import { type Ask, expectStatus } from "./client.ts";
import type { Shelves } from "./shelves.ts";

/** What the shop does for its visitors in the domain APIs. It decides nothing: the APIs do. */
export type Customers = {
  /** Whether Accounts takes the password. Who is a customer and new to Accounts signs up. */
  signIn(person: Person, password: string): Promise<boolean>;
  signOut(person: Person): Promise<void>;
  /** Their invoices, as the account page shows them. */
  invoices(person: Person): Promise<void>;
  /** Subscribes, or changes what is subscribed to; false where Billing refuses. */
  order(person: Person): Promise<boolean>;
};

const Session = z.object({ accessToken: z.string(), account: z.object({ id: z.string() }) });
const Id = z.object({ id: z.string() });
const Subscription = z.object({
  id: z.string(),
  quantity: z.number(),
  status: z.string(),
  version: z.number(),
});
const List = z.object({ items: z.array(z.unknown()) });

type Known = { token: string; accountId: string };
const COUNTRIES = ["DE", "FR", "NL", "IT", "ES"];
/** Of a hundred customers: whose cards do what (api/billing/domain/sandbox.ts). The rest just pay. */
const ODD_CARDS: Record<number, string> = {
  7: "4000000000000259",
  23: "4000000000000259",
  31: "4000000000009995",
  44: "4000000000006066",
  58: "4000000000004087",
  76: "4000000000000002",
};
const GOOD_CARD = "4242424242424242";
const QUANTITY_MAX = 3;

export function createCustomers(ask: Ask, shelves: Shelves): Customers {
  /** Who is signed in, in this process. */
  const known = new Map<string, Known>();
  const asPerson = (person: Person) => ({
    token: known.get(person.name)?.token,
    address: person.address,
  });

  async function session(person: Person, password: string): Promise<number> {
    const body = { email: emailOf(person), password };
    const answer = await ask("accounts", {
      method: "POST",
      path: "/v1/sessions",
      body,
      address: person.address,
    });
    const parsed = Session.safeParse(answer.json);
    if (answer.status === 201 && parsed.success) {
      const { accessToken, account } = parsed.data;
      known.set(person.name, { token: accessToken, accountId: account.id });
    }
    return answer.status;
  }

  async function order(person: Person): Promise<boolean> {
    const account = known.get(person.name);
    if (account === undefined) return true; // Signed in before the APIs were there.
    const as = asPerson(person);
    const path = "/v1/subscriptions?limit=1";
    const listed = await ask("billing", { method: "GET", path, ...as });
    const [first] = List.parse(expectStatus(listed, 200).json).items;
    const current = Subscription.safeParse(first).data;
    if (current === undefined || current.status === "canceled") {
      return subscribe(ask, { person, account, shelves });
    }
    return changeQuantity(ask, as, current);
  }

  return {
    order,
    async signIn(person, password) {
      const status = await session(person, password);
      if (status === 201) return true;
      if (status !== 401 || password !== passwordOf(person.name)) return false;
      const body = { email: emailOf(person), password, name: person.name };
      await ask("accounts", {
        method: "POST",
        path: "/v1/accounts",
        body,
        address: person.address,
      });
      return (await session(person, password)) === 201;
    },
    async signOut(person) {
      await ask("accounts", { method: "DELETE", path: "/v1/session", ...asPerson(person) });
      known.delete(person.name);
    },
    async invoices(person) {
      if (!known.has(person.name)) return;
      await ask("billing", { method: "GET", path: "/v1/invoices?limit=5", ...asPerson(person) });
    },
  };
}

/** One more box each time, and then one again: Billing works out what that costs for the rest of the month. */
async function changeQuantity(
  ask: Ask,
  as: { token: string | undefined; address: string },
  current: z.infer<typeof Subscription>,
): Promise<boolean> {
  const changed = await ask("billing", {
    method: "PATCH",
    path: `/v1/subscriptions/${current.id}`,
    ...as,
    body: { quantity: (current.quantity % QUANTITY_MAX) + 1 },
    ifMatch: `"${current.version}"`,
  });
  return changed.status === 200;
}

async function subscribe(
  ask: Ask,
  { person, account, shelves }: { person: Person; account: Known; shelves: Shelves },
): Promise<boolean> {
  const as = { token: account.token, address: person.address };
  const turn = turnOf(person);
  const customer = await ask("billing", {
    method: "POST",
    path: "/v1/customers",
    ...as,
    key: `customer-${account.accountId}`,
    body: {
      accountId: account.accountId,
      name: person.name,
      email: emailOf(person),
      country: COUNTRIES[turn % COUNTRIES.length],
      currency: "EUR",
    },
  });
  const customerId = await customerOf(ask, { ...as, made: customer.status, json: customer.json });
  const card = {
    number: ODD_CARDS[turn % 100] ?? GOOD_CARD,
    expMonth: 12,
    expYear: 2040,
    cvc: "123",
  };
  const method = await ask("billing", {
    method: "POST",
    path: `/v1/customers/${customerId}/payment-methods`,
    ...as,
    body: { card },
  });
  const body = {
    customerId,
    priceId: shelves.prices[turn % shelves.prices.length],
    ...(turn % 3 === 0 ? { couponCode: shelves.coupon } : {}),
    paymentMethodId: Id.parse(expectStatus(method, 201).json).id,
  };
  const made = await ask("billing", { method: "POST", path: "/v1/subscriptions", ...as, body });
  return made.status === 201;
}

/** The customer that was made just now, or that this account is already. */
async function customerOf(
  ask: Ask,
  { made, json, token, address }: { made: number; json: unknown; token: string; address: string },
): Promise<string> {
  if (made === 201) return Id.parse(json).id;
  const path = "/v1/customers?limit=1";
  const listed = await ask("billing", { method: "GET", path, token, address });
  return Id.parse(List.parse(expectStatus(listed, 200).json).items[0]).id;
}

const emailOf = (person: Person): string => `${person.name}@customers.example`;

const turnOf = (person: Person): number =>
  createHash("sha256").update(person.name).digest().readUInt32BE();
