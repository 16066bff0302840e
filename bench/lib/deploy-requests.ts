import { randomBytes } from "node:crypto";

import { z } from "zod";

import type { ServiceName } from "#api/kit/service.ts";

/** A request that clients repeat; `{id}` is a new one each time. */
export type Ask = {
  /** `public`: GET that anybody may send; that of accounts may be cached. `read`: GET with a token. `write`: POST with a key. */
  kind: "public" | "read" | "write";
  path: string;
  /** With a token, if it needs one. */
  headers: Record<string, string>;
  body?: string;
  status: number;
};

type Prepare = (url: string, root: Record<string, string>) => Promise<Ask[]>;

/** What the clients of each API ask for, after its data were made through the API. */
export const ASKS: Readonly<Record<ServiceName, Prepare>> = {
  accounts: async (_, root) => [
    anybody("/.well-known/jwks.json"),
    reading("/v1/products?limit=5", root),
    writing("/v1/products", root, {
      slug: "p{id}",
      name: "Product {id}",
      permissions: [{ name: "p{id}:orders:read", description: "Reads" }],
    }),
  ],
  billing: async (url, root) => {
    const { id } = Made.parse(
      await post(`${url}/v1/customers`, root, customer(randomBytes(12).toString("hex"), "first")),
    );
    return [
      anybody("/openapi.json"),
      reading(`/v1/customers/${id}`, root),
      writing("/v1/customers", root, customer("{id}", "a customer")),
    ];
  },
  management: async (_, root) => [
    anybody("/openapi.json"),
    reading("/v1/applications?limit=5", root),
    writing("/v1/applications", root, { name: "a{id}", description: "", reason: "bench" }),
  ],
  logging: async (_, root) => [
    anybody("/openapi.json"),
    reading("/v1/datasets?limit=5", root),
    {
      ...writing("/v1/logs", root, {
        "data_stream.dataset": "bench.orders",
        message: "order {id}",
      }),
      status: 202,
    },
  ],
  reporting: async (_, root) => [
    anybody("/openapi.json"),
    reading("/v1/reports?limit=5", root),
    anybody("/livez"),
  ],
};

const Made = z.object({ id: z.string() });

const anybody = (path: string): Ask => ({ kind: "public", path, headers: {}, status: 200 });

const reading = (path: string, headers: Record<string, string>): Ask => ({
  kind: "read",
  path,
  headers,
  status: 200,
});

const writing = (path: string, headers: Record<string, string>, body: object): Ask => ({
  kind: "write",
  path,
  headers,
  body: JSON.stringify(body),
  status: 201,
});

const customer = (id: string, name: string): object => ({
  accountId: `acc_${id}`,
  name,
  email: "ada@example.com",
  country: "DE",
  currency: "EUR",
});

async function post(url: string, headers: Record<string, string>, body: object): Promise<unknown> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`POST ${url} answered ${response.status}: ${text}`);
  return JSON.parse(text);
}
