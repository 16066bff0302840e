import { randomUUID } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import path from "node:path";

import { z } from "zod";

import type { ApiAddresses, CallApi } from "./client.ts";
import { expectStatus } from "./client.ts";

const Id = z.object({ id: z.string() });
const Kept = z.strictObject({ id: z.string(), apiKey: z.string() });
type Kept = z.infer<typeof Kept>;
const Tokens = z.object({ access_token: z.string(), expires_in: z.number() });
/** The permissions of the shop's service account. */
const PERMISSIONS = [
  "billing:disputes:read",
  "billing:disputes:write",
  "management:settings:read",
  "management:settings:write",
  "logging:logs:write/shop.app",
  "reporting:reports:read",
];
const KEY_DAYS = 360;
/** Tokens are renewed this long before they expire. */
const RENEW_BEFORE_MS = 60_000;

/**
 * Access tokens of the shop's service account in Accounts. It is created at the first start, with its key beside the
 * demo's logs.
 */
export async function shopTokens(
  callApi: CallApi,
  addresses: ApiAddresses,
  { folder, isNew }: { folder: string; isNew: boolean },
): Promise<() => Promise<string>> {
  const file = path.join(folder, "shop-account.json");
  // A key is useless if Accounts has another database than before.
  const kept = isNew ? undefined : await keptIn(file);
  const account = kept ?? (await makeAccount(callApi, addresses.rootKey, file));
  let token = "";
  let renewMs = 0;
  return async () => {
    if (performance.now() < renewMs) return token;
    const response = await fetch(new URL("/oauth/token", addresses.urls.accounts), {
      method: "POST",
      body: new URLSearchParams({
        grant_type: "client_credentials",
        client_id: account.id,
        client_secret: account.apiKey,
      }),
    });
    const tokens = Tokens.parse(await response.json());
    token = tokens.access_token;
    renewMs = performance.now() + tokens.expires_in * 1_000 - RENEW_BEFORE_MS;
    return token;
  };
}

async function keptIn(file: string): Promise<Kept | undefined> {
  const text = await readFile(file, "utf8").catch(() => "null");
  return Kept.safeParse(JSON.parse(text)).data;
}

async function makeAccount(callApi: CallApi, token: string, file: string): Promise<Kept> {
  const name = `shop-${randomUUID().slice(0, 8)}`;
  const body = { name, description: "The demo shop" };
  const made = await callApi("accounts", {
    method: "POST",
    path: "/v1/service-accounts",
    token,
    body,
  });
  const { id } = Id.parse(expectStatus(made, 201).json);
  const grant = { subjectId: id, permissions: PERMISSIONS, reason: "the shop opens" };
  expectStatus(
    await callApi("accounts", { method: "POST", path: "/v1/grants", token, body: grant }),
    201,
  );
  const expiresAt = new Date(Date.now() + KEY_DAYS * 86_400_000).toISOString();
  const key = await callApi("accounts", {
    method: "POST",
    path: `/v1/service-accounts/${id}/api-keys`,
    token,
    body: { name: "shop", scopes: PERMISSIONS, expiresAt },
  });
  const { apiKey } = z.object({ apiKey: z.string() }).parse(expectStatus(key, 201).json);
  await writeFile(`${file}.partial`, JSON.stringify({ id, apiKey }), { mode: 0o600 });
  await rename(`${file}.partial`, file);
  return { id, apiKey };
}
