import { afterAll, beforeAll, expect, test } from "vitest";

import {
  type TestAccounts,
  signIn,
  signUp,
  testAccounts,
  tokenStatus,
  trySignIn,
} from "./testing.ts";

let service: TestAccounts;
beforeAll(async () => {
  service = await testAccounts();
});
afterAll(() => service.stop());

const MINUTE_MS = 60_000;
const at = (ms: number): string => new Date(service.clock.now + ms).toISOString();

const root = (method: string, path: string, body?: unknown) =>
  service.send(method, path, { as: service.root, body, headers: { "if-match": "*" } });

const grant = async (subjectId: string, more: Record<string, unknown>) => {
  const body = { subjectId, reason: "test", ...more };
  expect((await root("POST", "/v1/grants", body)).status).toBe(201);
};

let count = 0;

/** A service account with an API key, which gets access tokens. */
async function serviceAccount(keyMs: number) {
  count += 1;
  const created = await root("POST", "/v1/service-accounts", { name: `service-${count}` });
  const id = String(Object(created.json).id);
  await grant(id, { permissions: ["billing:invoices:read"] });
  const body = { name: "k", scopes: ["billing:invoices:read"], expiresAt: at(keyMs) };
  const key = await root("POST", `/v1/service-accounts/${id}/api-keys`, body);
  const form = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: id,
    client_secret: String(Object(key.json).apiKey),
  });
  const token = async (): Promise<{ access_token: string; expires_in: number }> =>
    Object(
      (
        await service.send("POST", "/oauth/token", {
          body: form.toString(),
          headers: { "content-type": "application/x-www-form-urlencoded" },
        })
      ).json,
    );
  return { id, token };
}

test("an access token expires with the first grant that it contains", async () => {
  const account = await signUp(service);
  await grant(account.id, { permissions: ["billing:refunds:write"], expiresAt: at(MINUTE_MS) });
  const { accessToken, ...response } = Object((await trySignIn(service, account)).json);
  expect(response.expiresInS).toBeLessThanOrEqual(MINUTE_MS / 1_000);
  expect(await tokenStatus(service, accessToken)).toBe(200);
  service.clock.now += MINUTE_MS;
  expect(await tokenStatus(service, accessToken)).toBe(401);
});

test("an access token of a service account expires with its API key", async () => {
  const { token } = await serviceAccount(MINUTE_MS);
  const { access_token: as, expires_in: expiresInS } = await token();
  expect(expiresInS).toBeLessThanOrEqual(MINUTE_MS / 1_000);
  service.clock.now += MINUTE_MS;
  expect(await tokenStatus(service, as)).toBe(401);
});

test("access tokens of disabled or deleted service accounts are refused", async () => {
  const { id, token } = await serviceAccount(60 * MINUTE_MS);
  const { access_token: as } = await token();
  expect(await tokenStatus(service, as)).toBe(200);
  await root("PATCH", `/v1/service-accounts/${id}`, { disabled: true });
  await expect.poll(() => tokenStatus(service, as)).toBe(401);
  await root("PATCH", `/v1/service-accounts/${id}`, { disabled: false });
  await expect.poll(() => tokenStatus(service, as)).toBe(200);
  await root("DELETE", `/v1/service-accounts/${id}`);
  await expect.poll(() => tokenStatus(service, as)).toBe(401);
});

test("accounts see their own permissions, grants, sessions and passkeys only", async () => {
  const [account, other] = [await signUp(service), await signUp(service)];
  await grant(account.id, { role: "support" });
  const { accessToken: as } = await signIn(service, account);
  const get = (path: string) => service.send("GET", path, { as });
  const held = await get(`/v1/permissions?subjectId=${account.id}`);
  expect(held.json).toMatchObject({ subjectId: account.id, product: "quarterdeck" });
  expect(held.text).toContain("billing:refunds:write");
  for (const path of ["/v1/grants", `/v1/accounts/${account.id}/sessions`, "/v1/passkeys"]) {
    expect((await get(path)).status).toBe(200);
  }
  // The role `support` reads accounts, but not their permissions or audit trail.
  expect((await get(`/v1/permissions?subjectId=${other.id}`)).status).toBe(404);
  expect((await get(`/v1/audit?about=${other.id}`)).status).toBe(404);
});

test("the owner of an account does not see the address of administrators", async () => {
  const account = await signUp(service);
  await grant(account.id, { role: "analyst" });
  const { accessToken: as } = await signIn(service, account);
  const trail = await service.send("GET", "/v1/audit", { as });
  const { items } = Object(trail.json);
  const of = (action: string) => items.find((it: { action: string }) => it.action === action);
  expect(of("grant.create")).toMatchObject({ actor: "root", address: null });
  expect(of("session.start")).toMatchObject({ actor: account.id, address: "127.0.0.1" });
});
