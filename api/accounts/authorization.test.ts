import { afterAll, beforeAll, expect, test } from "vitest";

import { testService } from "#api/kit/testing.ts";

import { KEY_PUBLISHED_AHEAD_MS } from "./domain/signing-keys.ts";
import { accounts } from "./service.ts";

type Service = Awaited<ReturnType<typeof testService>>;
let service: Service;
beforeAll(async () => {
  service = await testService(accounts);
});
afterAll(() => service.stop());

const PASSWORD = "correct horse battery staple";
let people = 0;

type Json = Record<string, never> & { id: string };
const jsonOf = (answer: { json: unknown }): Json => answer.json as Json;

async function person(): Promise<{ id: string; email: string; signIn(): Promise<string> }> {
  people += 1;
  const email = `person${people}@example.com`;
  const made = await service.send("POST", "/v1/accounts", {
    body: { email, password: PASSWORD, name: "Ada" },
  });
  expect(made.status).toBe(201);
  return {
    id: jsonOf(made).id,
    email,
    async signIn() {
      const answer = await service.send("POST", "/v1/sessions", {
        body: { email, password: PASSWORD },
      });
      expect(answer.status).toBe(201);
      return jsonOf(answer)["accessToken"] ?? "";
    },
  };
}

// oxlint-disable-next-line max-params
const root = (method: string, path: string, body?: unknown, headers = {}) =>
  service.send(method, path, {
    as: service.root,
    headers,
    ...(body === undefined ? {} : { body }),
  });

const grantTo = (subjectId: string, more: Record<string, unknown>) =>
  root("POST", "/v1/grants", { subjectId, reason: "test", ...more });

test("what is granted is in the next access token, and gone when it is taken back", async () => {
  const ada = await person();
  const granted = await grantTo(ada.id, { permissions: ["billing:refunds:write"] });
  expect(granted.status).toBe(201);
  const as = await ada.signIn();
  const session = await service.send("GET", "/v1/session", { as });
  expect(session.json).toMatchObject({ permissions: ["billing:refunds:write"] });
  const held = await service.send("GET", `/v1/permissions?subjectId=${ada.id}`, { as });
  expect(held.json).toMatchObject({
    permissions: [{ name: "billing:refunds:write", until: null }],
  });
  const gone = await root("DELETE", `/v1/grants/${jsonOf(granted).id}`, undefined, {
    "if-match": granted.headers.get("etag") ?? "",
  });
  expect(gone.status).toBe(204);
  const later = await service.send("GET", "/v1/session", { as: await ada.signIn() });
  expect(later.json).toMatchObject({ permissions: [] });
});

test("nobody is given more than fits into a token, and with as much as fits everything works", async () => {
  const ada = await person();
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
  const widened = await root(
    "PATCH",
    `/v1/roles/${jsonOf(role).id}`,
    { permissions: more },
    { "if-match": "*" },
  );
  expect(widened.json).toMatchObject(tooMany);
  const session = await service.send("GET", "/v1/session", { as: await ada.signIn() });
  expect(session.json).toMatchObject({ permissions: permissions.toSorted() });
});

test("a grant ends when it says", async () => {
  const ada = await person();
  const expiresAt = new Date(service.clock.now + 60_000).toISOString();
  await grantTo(ada.id, { permissions: ["billing:refunds:write"], expiresAt });
  const path = `/v1/permissions?subjectId=${ada.id}`;
  expect((await root("GET", path)).json).toMatchObject({ permissions: [{ until: expiresAt }] });
  service.clock.now += 60_000;
  expect((await root("GET", path)).json).toMatchObject({ permissions: [] });
  const past = await grantTo(ada.id, { permissions: ["a:b:c"], expiresAt });
  expect(past.json).toMatchObject({ status: 400, errors: [{ path: "body.expiresAt" }] });
});

test("nobody gives more than they hold, by a grant, a role or a key, and the refusal is in the audit trail", async () => {
  const [giver, other] = [await person(), await person()];
  const own = [
    "accounts:grants:write",
    "accounts:products:write",
    "accounts:service-accounts:write",
  ];
  await grantTo(giver.id, { permissions: [...own, "billing:refunds:write"] });
  const as = await giver.signIn();
  const give = (permissions: string[], subjectId = other.id) =>
    service.send("POST", "/v1/grants", { as, body: { subjectId, permissions, reason: "x" } });
  expect((await give(["billing:refunds:write"])).status).toBe(201);
  for (const notDelegable of ["billing:*", "billing:invoices:write", "accounts:*"]) {
    expect((await give([notDelegable])).status).toBe(403);
    expect((await give([notDelegable], giver.id)).status).toBe(403);
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

test("whoever holds something for a while gives it for no longer", async () => {
  const [giver, other] = [await person(), await person()];
  const until = (ms: number) => new Date(service.clock.now + ms).toISOString();
  await grantTo(giver.id, {
    permissions: ["accounts:grants:write", "billing:refunds:write"],
    expiresAt: until(3_600_000),
  });
  const as = await giver.signIn();
  const give = (expiresAt: string | null) =>
    service.send("POST", "/v1/grants", {
      as,
      body: { subjectId: other.id, permissions: ["billing:refunds:write"], expiresAt, reason: "x" },
    });
  expect((await give(null)).status).toBe(403);
  expect((await give(until(7_200_000))).status).toBe(403);
  const given = await give(until(1_800_000));
  expect(given.status).toBe(201);
  const longer = await service.send("PATCH", `/v1/grants/${jsonOf(given).id}`, {
    as,
    headers: { "if-match": "*" },
    body: { expiresAt: null, reason: "longer" },
  });
  expect(longer.status).toBe(403);
});

test("a grant that somebody else changed meanwhile is not changed over it", async () => {
  const ada = await person();
  const granted = await grantTo(ada.id, { role: "admin" });
  const path = `/v1/grants/${jsonOf(granted).id}`;
  const headers = { "if-match": '"1"' };
  expect((await root("PATCH", path, { reason: "one" }, headers)).status).toBe(200);
  expect((await root("PATCH", path, { reason: "two" }, headers)).status).toBe(412);
  expect((await grantTo(ada.id, { role: "admin" })).status).toBe(409);
});

test("somebody else's grants are not there", async () => {
  const [ada, eve] = [await person(), await person()];
  const granted = await grantTo(ada.id, { permissions: ["billing:refunds:write"] });
  const as = await eve.signIn();
  const get = (path: string) => service.send("GET", path, { as });
  expect((await get(`/v1/grants/${jsonOf(granted).id}`)).status).toBe(404);
  expect((await get(`/v1/grants?subjectId=${ada.id}`)).status).toBe(404);
  expect((await get(`/v1/permissions?subjectId=${ada.id}`)).status).toBe(404);
  expect((await get("/v1/grants")).json).toMatchObject({ items: [] });
});

test("a product has the permissions of its catalogue, which whoever makes it can give", async () => {
  const [maker, ada] = [await person(), await person()];
  await grantTo(maker.id, { permissions: ["accounts:products:write", "accounts:grants:write"] });
  const as = await maker.signIn();
  const permissions = [{ name: "shop:orders:read", description: "read orders" }];
  const body = { slug: "shop", name: "Shop", permissions };
  expect((await service.send("POST", "/v1/products", { as, body })).status).toBe(201);
  expect((await service.send("POST", "/v1/products", { as, body })).status).toBe(409);
  const give = (permission: string) =>
    service.send("POST", "/v1/grants", {
      as,
      body: { subjectId: ada.id, product: "shop", permissions: [permission], reason: "x" },
    });
  expect((await give("shop:orders:read")).status).toBe(201);
  expect((await give("shop:orders:write")).json).toMatchObject({
    status: 400,
    errors: [{ path: "body.permissions" }],
  });
  const empty = await root("PATCH", "/v1/products/shop", { permissions: [] }, { "if-match": "*" });
  expect(empty.status).toBe(409);
  const held = await root("GET", `/v1/permissions?subjectId=${ada.id}&product=shop`);
  expect(held.json).toMatchObject({ permissions: [{ name: "shop:orders:read" }] });
});

test("a key does what is left of its scopes, here and as an access token, until it is revoked", async () => {
  const svc = jsonOf(await root("POST", "/v1/service-accounts", { name: "reports" }));
  const grant = await grantTo(svc.id, { permissions: ["billing:*", "accounts:products:read"] });
  const expiresAt = new Date(service.clock.now + 86_400_000).toISOString();
  const path = `/v1/service-accounts/${svc.id}/api-keys`;
  const scopes = ["accounts:products:read", "billing:invoices:read"];
  const made = await root("POST", path, { name: "k", scopes, expiresAt });
  expect(made.status).toBe(201);
  const as = jsonOf(made)["apiKey"] ?? "";
  const seen = await service.send("GET", "/v1/session", { as });
  expect(seen.json).toMatchObject({ kind: "service", id: svc.id, permissions: scopes });
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
  await root("PATCH", `/v1/grants/${jsonOf(grant).id}`, narrower, { "if-match": "*" });
  await expect
    .poll(async () => (await service.send("GET", "/v1/session", { as })).json)
    .toMatchObject({ permissions: ["billing:invoices:read"] });
  expect((await root("DELETE", `/v1/api-keys/${jsonOf(made).id}`)).status).toBe(204);
  await expect
    .poll(async () => (await service.send("GET", "/v1/session", { as })).status)
    .toBe(401);
});

test("a key ends when it says, lives a year at most, and not while its service account is disabled", async () => {
  const svc = jsonOf(await root("POST", "/v1/service-accounts", { name: "nightly" }));
  await grantTo(svc.id, { permissions: ["billing:*"] });
  const path = `/v1/service-accounts/${svc.id}/api-keys`;
  const at = (ms: number) => new Date(service.clock.now + ms).toISOString();
  const body = { name: "k", scopes: ["billing:*"], expiresAt: at(400 * 86_400_000) };
  expect((await root("POST", path, body)).status).toBe(400);
  const made = await root("POST", path, { ...body, expiresAt: at(60_000) });
  const as = jsonOf(made)["apiKey"] ?? "";
  const status = async () => (await service.send("GET", "/v1/session", { as })).status;
  expect(await status()).toBe(200);
  const own = `/v1/service-accounts/${svc.id}`;
  await root("PATCH", own, { disabled: true }, { "if-match": "*" });
  await expect.poll(status).toBe(401);
  await root("PATCH", own, { disabled: false }, { "if-match": "*" });
  await expect.poll(status).toBe(200);
  service.clock.now += 60_000;
  expect(await status()).toBe(401);
});

test("of many who take the same name at once one gets it", async () => {
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => root("POST", "/v1/service-accounts", { name: "same-name" })),
  );
  expect(answers.filter((it) => it.status === 201)).toHaveLength(1);
  expect(answers.filter((it) => it.status === 409)).toHaveLength(7);
});

test("the keys are turned on demand by whoever may, and tokens of before stay good", async () => {
  const ada = await person();
  const turn = () => root("POST", "/v1/signing-keys/rotations", {});
  service.clock.now += KEY_PUBLISHED_AHEAD_MS;
  const as = await ada.signIn();
  expect((await service.send("GET", "/v1/signing-keys", { as })).status).toBe(403);
  expect((await turn()).status).toBe(204);
  await expect
    .poll(async () => (await root("GET", "/v1/signing-keys")).text)
    .toContain('"state":"retired"');
  expect((await service.send("GET", "/v1/session", { as })).status).toBe(200);
  expect((await turn()).status).toBe(409);
});
