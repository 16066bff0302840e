import { afterAll, beforeAll, expect, test } from "vitest";

import { type TestAccounts, signIn, signUp, testAccounts } from "./testing.ts";

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

const statusOf = async (as: string): Promise<number> =>
  (await service.send("GET", "/v1/session", { as })).status;

let services = 0;

/** A service account that may do something, an API key of it, and what gets an access token for the key. */
async function machine(keyMs: number) {
  services += 1;
  const made = await root("POST", "/v1/service-accounts", { name: `machine-${services}` });
  const id = String(Object(made.json).id);
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

test("no access token outlives a grant that is in it", async () => {
  const account = await signUp(service);
  await grant(account.id, { permissions: ["billing:refunds:write"], expiresAt: at(MINUTE_MS) });
  const { accessToken, ...answer } = Object(
    (
      await service.send("POST", "/v1/sessions", {
        body: { email: account.email, password: account.password },
      })
    ).json,
  );
  expect(answer.expiresInS).toBeLessThanOrEqual(MINUTE_MS / 1_000);
  expect(await statusOf(accessToken)).toBe(200);
  service.clock.now += MINUTE_MS;
  expect(await statusOf(accessToken)).toBe(401);
});

test("no access token of a service account outlives the API key that it was had for", async () => {
  const { token } = await machine(MINUTE_MS);
  const { access_token: as, expires_in: expiresInS } = await token();
  expect(expiresInS).toBeLessThanOrEqual(MINUTE_MS / 1_000);
  service.clock.now += MINUTE_MS;
  expect(await statusOf(as)).toBe(401);
});

test("an access token of a service account is refused here once that is disabled or deleted", async () => {
  const { id, token } = await machine(60 * MINUTE_MS);
  const { access_token: as } = await token();
  expect(await statusOf(as)).toBe(200);
  await root("PATCH", `/v1/service-accounts/${id}`, { disabled: true });
  await expect.poll(() => statusOf(as)).toBe(401);
  await root("PATCH", `/v1/service-accounts/${id}`, { disabled: false });
  await expect.poll(() => statusOf(as)).toBe(200);
  await root("DELETE", `/v1/service-accounts/${id}`);
  await expect.poll(() => statusOf(as)).toBe(401);
});

test("a person sees what is theirs without a permission, and of nobody else", async () => {
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
  // Support may read accounts, and nobody's permissions or trail.
  expect((await get(`/v1/permissions?subjectId=${other.id}`)).status).toBe(404);
  expect((await get(`/v1/audit?about=${other.id}`)).status).toBe(404);
});

test("from where an administrator dealt with an account its owner is not told", async () => {
  const account = await signUp(service);
  await grant(account.id, { role: "analyst" });
  const { accessToken: as } = await signIn(service, account);
  const trail = await service.send("GET", "/v1/audit", { as });
  const { items } = Object(trail.json);
  const of = (action: string) => items.find((it: { action: string }) => it.action === action);
  expect(of("grant.create")).toMatchObject({ actor: "root", address: null });
  expect(of("session.start")).toMatchObject({ actor: account.id, address: "127.0.0.1" });
});
