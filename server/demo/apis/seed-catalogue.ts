import { z } from "zod";

import { type CallApi, expectStatus } from "./client.ts";

/** The shop's subscription products. */
export type SeedCatalogue = {
  prices: readonly string[];
  coupon: string;
  /** Whether the catalogue was empty before: the shop's first start. */
  isNew: boolean;
};

const Id = z.object({ id: z.string() });
const Items = z.object({
  items: z.array(z.object({ id: z.string(), planId: z.string().optional() })),
});
const PLANS = [
  { name: "Small box", unitAmount: 1_900 },
  { name: "Large box", unitAmount: 3_900 },
  { name: "Workshop", unitAmount: 9_900 },
];
const COUPON = "WELCOME20";
/** VAT by delivery country, in basis points. */
const TAXES = { DE: 1_900, FR: 2_000, NL: 2_100, IT: 2_200, ES: 2_100 };
export const COUNTRIES = Object.keys(TAXES);
export const APPLICATION = "shop";
export const DELIVERY_KEY = "delivery.free-from";

/** Creates plans, prices, a coupon, taxes and settings once; existing ones are kept. */
export async function seedCatalogue(callApi: CallApi, rootKey: string): Promise<SeedCatalogue> {
  const token = rootKey;
  const known = expectStatus(
    await callApi("billing", { method: "GET", path: "/v1/prices?limit=100", token }),
    200,
  );
  const { items } = Items.parse(known.json);
  const isNew = items.length < PLANS.length;
  if (isNew) await addTaxes(callApi, token);
  const prices = isNew ? await addPrices(callApi, token) : items.map(({ id }) => id);
  const coupon = { code: COUPON, basisPointsOff: 2_000, duration: "repeating", durationMonths: 3 };
  await callApi("billing", {
    method: "POST",
    path: "/v1/coupons",
    token,
    body: coupon,
    key: COUPON,
  });
  await addSettings(callApi, token);
  return { prices, coupon: COUPON, isNew };
}

async function addTaxes(callApi: CallApi, token: string): Promise<void> {
  for (const [country, basisPoints] of Object.entries(TAXES)) {
    const body = { name: "VAT", basisPoints, inclusive: true };
    const path = `/v1/tax-rates/${country}`;
    const set = { method: "PUT", path, token, body, ifMatch: "*" } as const;
    expectStatus(await callApi("billing", set), 200);
  }
}

async function addPrices(callApi: CallApi, token: string): Promise<string[]> {
  const ids: string[] = [];
  for (const { name, unitAmount } of PLANS) {
    const body = { name };
    const plan = await callApi("billing", {
      method: "POST",
      path: "/v1/plans",
      token,
      body,
      key: `plan ${name}`.replaceAll(" ", "-"),
    });
    const { id: planId } = Id.parse(expectStatus(plan, 201).json);
    const price = await callApi("billing", {
      method: "POST",
      path: "/v1/prices",
      token,
      body: { planId, currency: "EUR", unitAmount, interval: "month" },
      key: `price-${planId}`,
    });
    ids.push(Id.parse(expectStatus(price, 201).json).id);
  }
  return ids;
}

async function addSettings(callApi: CallApi, token: string): Promise<void> {
  const reason = "the shop opens";
  const application = { name: APPLICATION, description: "The demo shop", reason };
  const made = await callApi("management", {
    method: "POST",
    path: "/v1/applications",
    token,
    body: application,
  });
  if (expectStatus(made, 201, 409).status === 409) return;
  const definition = {
    description: "Delivery is free from this amount on, in cents",
    schema: { type: "integer", minimum: 0, maximum: 100_000 },
    default: 5_000,
  };
  await callApi("management", {
    method: "PUT",
    path: `/v1/settings/${APPLICATION}/definitions/${DELIVERY_KEY}`,
    token,
    body: { definition, reason },
  });
}
