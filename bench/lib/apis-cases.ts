import { randomBytes } from "node:crypto";

import { z } from "zod";

import type { ServiceName } from "#api/kit/service.ts";

import type { Request } from "./apis-load.ts";

/** A measured request to a service; the bare server gets its route in Hono's notation. */
export type Case = {
  name: string;
  request: Request;
  /** The share of the bare server's requests per CPU second that it must reach. */
  ratioMin?: number;
};

const SETTINGS = 20;

type Prepare = (url: string, root: Record<string, string>) => Promise<Case[]>;

/** The measured requests of each service, after it was filled through its API. */
export const CASES: readonly {
  service: ServiceName;
  names: readonly string[];
  prepare: Prepare;
}[] = [
  { service: "accounts", names: ["sign-in", "token check"], prepare: accounts },
  { service: "billing", names: ["invoice read"], prepare: invoiceRead },
  { service: "management", names: ["settings read"], prepare: settingsRead },
];

const Started = z.object({ accessToken: z.string() });

async function accounts(url: string): Promise<Case[]> {
  const email = `${randomBytes(6).toString("hex")}@example.com`;
  const password = "correct horse battery staple";
  await ask(url, { method: "POST", path: "/v1/accounts", body: { email, password, name: "Ada" } });
  const signIn = { method: "POST", path: "/v1/sessions", body: { email, password } };
  const { accessToken } = Started.parse(await ask(url, signIn));
  const headers = { authorization: `Bearer ${accessToken}` };
  return [
    {
      name: "sign-in",
      request: { ...signIn, body: JSON.stringify(signIn.body) },
    },
    {
      name: "token check",
      request: { method: "GET", path: "/v1/session", headers },
      ratioMin: 0.7,
    },
  ];
}

const Made = z.object({ id: z.string() });
const Subscribed = z.object({ latestInvoiceId: z.string() });

async function invoiceRead(url: string, headers: Record<string, string>): Promise<Case[]> {
  const add = async (path: string, body: object): Promise<unknown> =>
    ask(url, { method: "POST", path, body, headers });
  const planId = Made.parse(await add("/v1/plans", { name: "Basic" })).id;
  const price = { planId, currency: "EUR", unitAmount: 1_000, interval: "month" };
  const priceId = Made.parse(await add("/v1/prices", price)).id;
  const customer = {
    accountId: `acc_${randomBytes(12).toString("hex")}`,
    name: "Ada",
    email: "ada@example.com",
    country: "DE",
    currency: "EUR",
  };
  const customerId = Made.parse(await add("/v1/customers", customer)).id;
  const subscribed = await add("/v1/subscriptions", { customerId, priceId });
  const path = `/v1/invoices/${Subscribed.parse(subscribed).latestInvoiceId}`;
  return [{ name: "invoice read", request: { method: "GET", path, headers } }];
}

async function settingsRead(url: string, headers: Record<string, string>): Promise<Case[]> {
  const body = { name: "shop", description: "", reason: "bench" };
  await ask(url, { method: "POST", path: "/v1/applications", body, headers });
  for (let index = 0; index < SETTINGS; index += 1) {
    const schema = { type: "string" };
    const definition = {
      description: `Setting ${index}`,
      schema,
      default: "a value of some length",
    };
    const path = `/v1/settings/shop/definitions/setting.number${index}`;
    await ask(url, { method: "PUT", path, body: { definition, reason: "bench" }, headers });
  }
  const path = "/v1/settings/shop/resolved?product=web&environment=production";
  return [{ name: "settings read", request: { method: "GET", path, headers }, ratioMin: 0.7 }];
}

type Ask = { method: string; path: string; body: object; headers?: Record<string, string> };

async function ask(url: string, { method, path, body, headers = {} }: Ask): Promise<unknown> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
  return JSON.parse(text);
}
