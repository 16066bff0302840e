import { createHash } from "node:crypto";

import { z } from "zod";

import { passwordOf, type Person } from "../people.ts";
import { type CallApi, expectStatus } from "./client.ts";
import { type As, createCustomerSessions, emailOf } from "./customer-sessions.ts";
import { COUNTRIES, type SeedCatalogue } from "./seed-catalogue.ts";

/** The shop's use of the domain APIs on behalf of its visitors. */
export type Customers = {
  /** Whether Accounts accepts the password. A customer without an account signs up first. */
  signIn(person: Person, password: string): Promise<boolean>;
  signOut(person: Person): Promise<void>;
  /** The customer's invoices, for the account page. */
  invoices(person: Person): Promise<void>;
  /** Subscribes, or changes the subscription; false where Billing refuses. */
  order(person: Person): Promise<boolean>;
  /** First visit: signs up and subscribes. */
  join(person: Person): Promise<void>;
};

const Id = z.object({ id: z.string() });
const Subscription = z.object({
  id: z.string(),
  quantity: z.number(),
  status: z.string(),
  version: z.number(),
});
const List = z.object({ items: z.array(z.unknown()) });

/** Sandbox cards by customer number modulo 100 (api/billing/domain/sandbox.ts); all others succeed. */
const SPECIAL_CARDS: Record<number, string> = {
  7: "4000000000000259",
  23: "4000000000000259",
  31: "4000000000009995",
  44: "4000000000006066",
  58: "4000000000004087",
  76: "4000000000000002",
};
const GOOD_CARD = "4242424242424242";
const QUANTITY_MAX = 3;
const REGULARS = 24;

/** The first customers, chosen so that every special card occurs. */
export function regularsOf(people: readonly Person[]): Person[] {
  const withSpecialCards = Object.keys(SPECIAL_CARDS).flatMap((turn) => {
    const person = people.find((it) => turnOf(it) % 100 === Number(turn));
    return person === undefined ? [] : [person];
  });
  return [...new Set([...withSpecialCards, ...people])].slice(0, REGULARS);
}

export function createCustomers(callApi: CallApi, catalogue: SeedCatalogue): Customers {
  const signedIn = createCustomerSessions(callApi);

  async function order(person: Person): Promise<boolean> {
    const as = await signedIn.as(person);
    if (as === undefined) return true; // Signed in before the APIs were available.
    const path = "/v1/subscriptions?limit=1";
    const listed = await callApi("billing", { method: "GET", path, ...credentials(as) });
    const [first] = List.parse(expectStatus(listed, 200).json).items;
    const current = Subscription.safeParse(first).data;
    if (current === undefined || current.status === "canceled") {
      return subscribe(callApi, { person, as, catalogue });
    }
    return changeQuantity(callApi, as, current);
  }

  return {
    order,
    signIn: signedIn.signIn,
    signOut: signedIn.signOut,
    async invoices(person) {
      const as = await signedIn.as(person);
      if (as === undefined) return;
      const path = "/v1/invoices?limit=5";
      await callApi("billing", { method: "GET", path, ...credentials(as) });
    },
    async join(person) {
      await signedIn.signUp(person);
      if (await signedIn.signIn(person, passwordOf(person.name))) await order(person);
    },
  };
}

const credentials = ({ token, address }: As) => ({ token, address });

/** Raises the quantity by one each time, then back to one; Billing prorates the change. */
async function changeQuantity(
  callApi: CallApi,
  as: As,
  current: z.infer<typeof Subscription>,
): Promise<boolean> {
  const changed = await callApi("billing", {
    method: "PATCH",
    path: `/v1/subscriptions/${current.id}`,
    ...credentials(as),
    body: { quantity: (current.quantity % QUANTITY_MAX) + 1 },
    ifMatch: `"${current.version}"`,
  });
  return changed.status === 200;
}

async function subscribe(
  callApi: CallApi,
  { person, as, catalogue }: { person: Person; as: As; catalogue: SeedCatalogue },
): Promise<boolean> {
  const { accountId } = as;
  const who = credentials(as);
  const turn = turnOf(person);
  const customer = await callApi("billing", {
    method: "POST",
    path: "/v1/customers",
    ...who,
    key: `customer-${accountId}`,
    body: {
      accountId,
      name: person.name,
      email: emailOf(person),
      country: COUNTRIES[turn % COUNTRIES.length],
      currency: "EUR",
    },
  });
  const customerId = await customerOf(callApi, {
    ...who,
    made: customer.status,
    json: customer.json,
  });
  const card = {
    number: SPECIAL_CARDS[turn % 100] ?? GOOD_CARD,
    expMonth: 12,
    expYear: 2040,
    cvc: "123",
  };
  const method = await callApi("billing", {
    method: "POST",
    path: `/v1/customers/${customerId}/payment-methods`,
    ...who,
    body: { card },
  });
  const body = {
    customerId,
    priceId: catalogue.prices[turn % catalogue.prices.length],
    ...(turn % 3 === 0 ? { couponCode: catalogue.coupon } : {}),
    paymentMethodId: Id.parse(expectStatus(method, 201).json).id,
  };
  const made = await callApi("billing", {
    method: "POST",
    path: "/v1/subscriptions",
    ...who,
    body,
  });
  return made.status === 201;
}

/** The customer just created, or the account's existing one. */
async function customerOf(
  callApi: CallApi,
  { made, json, token, address }: { made: number; json: unknown; token: string; address: string },
): Promise<string> {
  if (made === 201) return Id.parse(json).id;
  const path = "/v1/customers?limit=1";
  const listed = await callApi("billing", { method: "GET", path, token, address });
  return Id.parse(List.parse(expectStatus(listed, 200).json).items[0]).id;
}

const turnOf = (person: Person): number =>
  createHash("sha256").update(person.name).digest().readUInt32BE();
