import { afterAll, beforeAll, expect, test } from "vitest";

import { KEY_PUBLISHED_AHEAD_MS } from "./domain/signing-keys.ts";
import {
  type SignInBody,
  type TestAccounts,
  signIn,
  signUp,
  testAccounts,
  tokenStatus,
} from "./testing.ts";

let service: TestAccounts;
beforeAll(async () => {
  service = await testAccounts();
});
afterAll(() => service.stop());

type Json = Record<string, never> & { id: string };
const jsonOf = (response: { json: unknown }): Json => Object(response.json);

const root = (method: string, path: string, body?: unknown) =>
  service.send(method, path, { as: service.root, body, headers: { "if-match": "*" } });

const tokenOf = async (account: SignInBody): Promise<string> =>
  (await signIn(service, account)).accessToken;

const grantTo = (subjectId: string, more: Record<string, unknown>) =>
  root("POST", "/v1/grants", { subjectId, reason: "test", ...more });

test("granted permissions are in access tokens issued until the grant is deleted", async () => {
  const ada = await signUp(service);
  const granted = await grantTo(ada.id, { permissions: ["billing:refunds:write"] });
  expect(granted.status).toBe(201);
  const as = await tokenOf(ada);
  const session = await service.send("GET", "/v1/session", { as });
  expect(session.json).toMatchObject({ permissions: ["billing:refunds:write"] });
  const held = await service.send("GET", `/v1/permissions?subjectId=${ada.id}`, { as });
  expect(held.json).toMatchObject({
    permissions: [{ name: "billing:refunds:write", until: null }],
  });
  const deleted = await service.send("DELETE", `/v1/grants/${jsonOf(granted).id}`, {
    as: service.root,
    headers: { "if-match": granted.headers.get("etag") ?? "" },
  });
  expect(deleted.status).toBe(204);
  const later = await service.send("GET", "/v1/session", { as: await tokenOf(ada) });
  expect(later.json).toMatchObject({ permissions: [] });
});

test("permissions are limited to what fits into a token, which works up to the limit", async () => {
  const ada = await signUp(service);
  const permissions = Array.from(
    { length: 90 },
    (_, at) => `logging:logs:read/dataset-of-some-team-${at}.*`,
  );
  expect((await grantTo(ada.id, { permissions })).status).toBe(201);
  const more = permissions.map((it) => it.replace("some", "another"));
  const tooMany = { status: 400, errors: [{ path: "body.permissions", code: "too_many" }] };
  expect((await grantTo(ada.id, { permissions: more })).json).toMatchObject(tooMany);
  const role = await root("POST", "/v1/products/quarterdeck/roles", {
    name: "reader",
    permissions: [],
  });
  expect((await grantTo(ada.id, { role: "reader" })).status).toBe(201);
  const widened = await root("PATCH", `/v1/roles/${jsonOf(role).id}`, { permissions: more });
  expect(widened.json).toMatchObject(tooMany);
  const session = await service.send("GET", "/v1/session", { as: await tokenOf(ada) });
  expect(session.json).toMatchObject({ permissions: permissions.toSorted() });
});

test("a grant ends when it expires", async () => {
  const ada = await signUp(service);
  const expiresAt = new Date(service.clock.now + 60_000).toISOString();
  await grantTo(ada.id, { permissions: ["billing:refunds:write"], expiresAt });
  const path = `/v1/permissions?subjectId=${ada.id}`;
  expect((await root("GET", path)).json).toMatchObject({ permissions: [{ until: expiresAt }] });
  service.clock.now += 60_000;
  expect((await root("GET", path)).json).toMatchObject({ permissions: [] });
  const past = await grantTo(ada.id, { permissions: ["a:b:c"], expiresAt });
  expect(past.json).toMatchObject({ status: 400, errors: [{ path: "body.expiresAt" }] });
});

test("nobody can delegate permissions that they do not hold, and refusals are audited", async () => {
  const [granter, other] = [await signUp(service), await signUp(service)];
  const own = [
    "accounts:grants:write",
    "accounts:products:write",
    "accounts:service-accounts:write",
  ];
  await grantTo(granter.id, { permissions: [...own, "billing:refunds:write"] });
  const as = await tokenOf(granter);
  const grant = (permissions: string[], subjectId = other.id) =>
    service.send("POST", "/v1/grants", { as, body: { subjectId, permissions, reason: "x" } });
  expect((await grant(["billing:refunds:write"])).status).toBe(201);
  for (const notDelegable of ["billing:*", "billing:invoices:write", "accounts:*"]) {
    expect((await grant([notDelegable])).status).toBe(403);
    expect((await grant([notDelegable], granter.id)).status).toBe(403);
  }
  const role = await service.send("POST", "/v1/products/quarterdeck/roles", {
    as,
    body: { name: "too-much", permissions: ["billing:*"] },
  });
  expect(role.status).toBe(403);
  const admin = await service.send("POST", "/v1/grants", {
    as,
    body: { subjectId: other.id, role: "admin", reason: "x" },
  });
  expect(admin.status).toBe(403);
  const svc = jsonOf(await root("POST", "/v1/service-accounts", { name: "strong" }));
  await grantTo(svc.id, { permissions: ["billing:*"] });
  const expiresAt = new Date(service.clock.now + 86_400_000).toISOString();
  const key = await service.send("POST", `/v1/service-accounts/${svc.id}/api-keys`, {
    as,
    body: { name: "k", scopes: ["billing:*"], expiresAt },
  });
  expect(key.status).toBe(403);
  const trail = await root("GET", "/v1/audit?limit=100");
  expect(trail.text).toContain("grant.refuse");
});

test("a temporary permission cannot be delegated for longer", async () => {
  const [granter, other] = [await signUp(service), await signUp(service)];
  const until = (ms: number) => new Date(service.clock.now + ms).toISOString();
  await grantTo(granter.id, {
    permissions: ["accounts:grants:write", "billing:refunds:write"],
    expiresAt: until(3_600_000),
  });
  const as = await tokenOf(granter);
  const grant = (expiresAt: string | null) =>
    service.send("POST", "/v1/grants", {
      as,
      body: { subjectId: other.id, permissions: ["billing:refunds:write"], expiresAt, reason: "x" },
    });
  expect((await grant(null)).status).toBe(403);
  expect((await grant(until(7_200_000))).status).toBe(403);
  const granted = await grant(until(1_800_000));
  expect(granted.status).toBe(201);
  const longer = await service.send("PATCH", `/v1/grants/${jsonOf(granted).id}`, {
    as,
    headers: { "if-match": "*" },
    body: { expiresAt: null, reason: "longer" },
  });
  expect(longer.status).toBe(403);
});

test("a concurrent change of a grant is refused by its ETag, a duplicate with 409", async () => {
  const ada = await signUp(service);
  const granted = await grantTo(ada.id, { role: "admin" });
  const path = `/v1/grants/${jsonOf(granted).id}`;
  const change = { as: service.root, headers: { "if-match": '"1"' }, body: { reason: "changed" } };
  expect((await service.send("PATCH", path, change)).status).toBe(200);
  expect((await service.send("PATCH", path, change)).status).toBe(412);
  expect((await grantTo(ada.id, { role: "admin" })).status).toBe(409);
});

test("other accounts' grants are not visible", async () => {
  const [ada, eve] = [await signUp(service), await signUp(service)];
  const granted = await grantTo(ada.id, { permissions: ["billing:refunds:write"] });
  const as = await tokenOf(eve);
  const get = (path: string) => service.send("GET", path, { as });
  expect((await get(`/v1/grants/${jsonOf(granted).id}`)).status).toBe(404);
  expect((await get(`/v1/grants?subjectId=${ada.id}`)).status).toBe(404);
  expect((await get(`/v1/permissions?subjectId=${ada.id}`)).status).toBe(404);
  expect((await get("/v1/grants")).json).toMatchObject({ items: [] });
});

test("a product defines its permissions, which its creator can grant", async () => {
  const [creator, ada] = [await signUp(service), await signUp(service)];
  await grantTo(creator.id, { permissions: ["accounts:products:write", "accounts:grants:write"] });
  const as = await tokenOf(creator);
  const permissions = [{ name: "shop:orders:read", description: "read orders" }];
  const body = { slug: "shop", name: "Shop", permissions };
  expect((await service.send("POST", "/v1/products", { as, body })).status).toBe(201);
  expect((await service.send("POST", "/v1/products", { as, body })).status).toBe(409);
  const grant = (permission: string) =>
    service.send("POST", "/v1/grants", {
      as,
      body: { subjectId: ada.id, product: "shop", permissions: [permission], reason: "x" },
    });
  expect((await grant("shop:orders:read")).status).toBe(201);
  expect((await grant("shop:orders:write")).json).toMatchObject({
    status: 400,
    errors: [{ path: "body.permissions" }],
  });
  const empty = await root("PATCH", "/v1/products/shop", { permissions: [] });
  expect(empty.status).toBe(409);
  const held = await root("GET", `/v1/permissions?subjectId=${ada.id}&product=shop`);
  expect(held.json).toMatchObject({ permissions: [{ name: "shop:orders:read" }] });
});

test("an API key has the granted part of its scopes until it is revoked, also as access token", async () => {
  const svc = jsonOf(await root("POST", "/v1/service-accounts", { name: "reports" }));
  const grant = await grantTo(svc.id, { permissions: ["billing:*", "accounts:products:read"] });
  const expiresAt = new Date(service.clock.now + 86_400_000).toISOString();
  const path = `/v1/service-accounts/${svc.id}/api-keys`;
  const scopes = ["accounts:products:read", "billing:invoices:read"];
  const created = await root("POST", path, { name: "k", scopes, expiresAt });
  expect(created.status).toBe(201);
  const as = jsonOf(created)["apiKey"] ?? "";
  const session = await service.send("GET", "/v1/session", { as });
  expect(session.json).toMatchObject({ kind: "service", id: svc.id, permissions: scopes });
  const token = await service.send("POST", "/oauth/token", {
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({
      grant_type: "client_credentials",
      client_id: svc.id,
      client_secret: as,
      scope: "billing:invoices:read",
    }).toString(),
  });
  expect(token.json).toMatchObject({ token_type: "Bearer", scope: "billing:invoices:read" });
  const access = await service.send("GET", "/v1/session", { as: jsonOf(token)["access_token"] });
  expect(access.json).toMatchObject({ kind: "service", permissions: ["billing:invoices:read"] });
  const listed = await root("GET", path);
  expect(listed.json).toMatchObject({
    items: [{ lastUsedAt: expect.any(String), revokedAt: null }],
  });
  expect(listed.text).not.toContain(as.slice(-20));
  const narrower = { permissions: ["billing:*"], reason: "less" };
  await root("PATCH", `/v1/grants/${jsonOf(grant).id}`, narrower);
  await expect
    .poll(async () => (await service.send("GET", "/v1/session", { as })).json)
    .toMatchObject({ permissions: ["billing:invoices:read"] });
  expect((await root("DELETE", `/v1/api-keys/${jsonOf(created).id}`)).status).toBe(204);
  await expect.poll(() => tokenStatus(service, as)).toBe(401);
});

test("an API key is valid until it expires, for a year at most, while its service account is enabled", async () => {
  const svc = jsonOf(await root("POST", "/v1/service-accounts", { name: "nightly" }));
  await grantTo(svc.id, { permissions: ["billing:*"] });
  const path = `/v1/service-accounts/${svc.id}/api-keys`;
  const at = (ms: number) => new Date(service.clock.now + ms).toISOString();
  const body = { name: "k", scopes: ["billing:*"], expiresAt: at(400 * 86_400_000) };
  expect((await root("POST", path, body)).status).toBe(400);
  const created = await root("POST", path, { ...body, expiresAt: at(60_000) });
  const as = jsonOf(created)["apiKey"] ?? "";
  const status = () => tokenStatus(service, as);
  expect(await status()).toBe(200);
  const own = `/v1/service-accounts/${svc.id}`;
  await root("PATCH", own, { disabled: true });
  await expect.poll(status).toBe(401);
  await root("PATCH", own, { disabled: false });
  await expect.poll(status).toBe(200);
  service.clock.now += 60_000;
  expect(await status()).toBe(401);
});

test("concurrent creations with the same name create one service account", async () => {
  const responses = await Promise.all(
    Array.from({ length: 8 }, () => root("POST", "/v1/service-accounts", { name: "same-name" })),
  );
  expect(responses.filter((it) => it.status === 201)).toHaveLength(1);
  expect(responses.filter((it) => it.status === 409)).toHaveLength(7);
});

test("signing keys can be rotated on demand, and existing tokens remain valid", async () => {
  const ada = await signUp(service);
  const rotate = () => root("POST", "/v1/signing-keys/rotations", {});
  service.clock.now += KEY_PUBLISHED_AHEAD_MS;
  const as = await tokenOf(ada);
  expect((await service.send("GET", "/v1/signing-keys", { as })).status).toBe(403);
  expect((await rotate()).status).toBe(204);
  await expect
    .poll(async () => (await root("GET", "/v1/signing-keys")).text)
    .toContain('"state":"retired"');
  expect(await tokenStatus(service, as)).toBe(200);
  expect((await rotate()).status).toBe(409);
});
