import { createHash } from "node:crypto";

import { z } from "zod";

import { passwordOf, type Person } from "../people.ts";
import { type Ask, expectStatus } from "./client.ts";
import { COUNTRIES, type Shelves } from "./shelves.ts";
import { type As, createSignedIn, emailOf } from "./signed-in.ts";

/** What the shop does for its visitors in the domain APIs. It decides nothing: the APIs do. */
export type Customers = {
  /** Whether Accounts takes the password. Who is a customer and new to Accounts signs up. */
  signIn(person: Person, password: string): Promise<boolean>;
  signOut(person: Person): Promise<void>;
  /** Their invoices, as the account page shows them. */
  invoices(person: Person): Promise<void>;
  /** Subscribes, or changes what is subscribed to; false where Billing refuses. */
  order(person: Person): Promise<boolean>;
  /** Their first visit: they sign up and subscribe. */
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
const REGULARS = 24;

/** Who comes first when the shop opens: so that each of the odd cards is among theirs, Billing has all there is. */
export function regularsOf(people: readonly Person[]): Person[] {
  const odd = Object.keys(ODD_CARDS).flatMap((turn) => {
    const person = people.find((it) => turnOf(it) % 100 === Number(turn));
    return person === undefined ? [] : [person];
  });
  return [...new Set([...odd, ...people])].slice(0, REGULARS);
}

export function createCustomers(ask: Ask, shelves: Shelves): Customers {
  const signedIn = createSignedIn(ask);

  async function order(person: Person): Promise<boolean> {
    const as = await signedIn.as(person);
    if (as === undefined) return true; // Signed in before the APIs were there.
    const path = "/v1/subscriptions?limit=1";
    const listed = await ask("billing", { method: "GET", path, ...credentials(as) });
    const [first] = List.parse(expectStatus(listed, 200).json).items;
    const current = Subscription.safeParse(first).data;
    if (current === undefined || current.status === "canceled") {
      return subscribe(ask, { person, as, shelves });
    }
    return changeQuantity(ask, as, current);
  }

  return {
    order,
    signIn: signedIn.signIn,
    signOut: signedIn.signOut,
    async invoices(person) {
      const as = await signedIn.as(person);
      if (as === undefined) return;
      const path = "/v1/invoices?limit=5";
      await ask("billing", { method: "GET", path, ...credentials(as) });
    },
    async join(person) {
      await signedIn.signUp(person);
      if (await signedIn.signIn(person, passwordOf(person.name))) await order(person);
    },
  };
}

const credentials = ({ token, address }: As) => ({ token, address });

/** One more box each time, and then one again: Billing works out what that costs for the rest of the month. */
async function changeQuantity(
  ask: Ask,
  as: As,
  current: z.infer<typeof Subscription>,
): Promise<boolean> {
  const changed = await ask("billing", {
    method: "PATCH",
    path: `/v1/subscriptions/${current.id}`,
    ...credentials(as),
    body: { quantity: (current.quantity % QUANTITY_MAX) + 1 },
    ifMatch: `"${current.version}"`,
  });
  return changed.status === 200;
}

async function subscribe(
  ask: Ask,
  { person, as, shelves }: { person: Person; as: As; shelves: Shelves },
): Promise<boolean> {
  const { accountId } = as;
  const who = credentials(as);
  const turn = turnOf(person);
  const customer = await ask("billing", {
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
  const customerId = await customerOf(ask, { ...who, made: customer.status, json: customer.json });
  const card = {
    number: ODD_CARDS[turn % 100] ?? GOOD_CARD,
    expMonth: 12,
    expYear: 2040,
    cvc: "123",
  };
  const method = await ask("billing", {
    method: "POST",
    path: `/v1/customers/${customerId}/payment-methods`,
    ...who,
    body: { card },
  });
  const body = {
    customerId,
    priceId: shelves.prices[turn % shelves.prices.length],
    ...(turn % 3 === 0 ? { couponCode: shelves.coupon } : {}),
    paymentMethodId: Id.parse(expectStatus(method, 201).json).id,
  };
  const made = await ask("billing", { method: "POST", path: "/v1/subscriptions", ...who, body });
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

const turnOf = (person: Person): number =>
  createHash("sha256").update(person.name).digest().readUInt32BE();
