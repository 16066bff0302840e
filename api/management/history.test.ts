import { expect, test } from "vitest";

import { testService } from "#api/kit/testing.ts";

import { management } from "./service.ts";

type Running = Awaited<ReturnType<typeof testService>>;

const FILE = `format: 1
application: shop
description: Sells things
settings:
  cart.size:
    description: How many things fit
    schema: { type: integer, minimum: 1 }
    default: 10
    values:
      "*/*": 20
      web/production: 30
flags:
  new-cart:
    description: ""
    on: true
    deny: []
    allow: []
    rules: [{ environment: production, percentage: 12.5 }]
`;

async function importFile(service: Running, yaml: string, more: object = {}) {
  return importAs(service.root, service, { yaml, ...more });
}

async function importAs(as: string, service: Running, file: object) {
  return service.send("POST", "/v1/applications/shop/import", {
    as,
    headers: { "if-match": "*" },
    body: { reason: "import", ...file },
  });
}

test("an import is planned, then applied atomically, and repeating it changes nothing", async () => {
  await using service = await testService(management);
  const plan = await importFile(service, FILE, { dryRun: true });
  expect(plan.json).toMatchObject({ applied: false, revision: 0 });
  const missing = await service.send("GET", "/v1/applications/shop", { as: service.root });
  expect(missing.status).toBe(404);
  const done = await importFile(service, FILE);
  expect(done.json).toMatchObject({ applied: true, revision: 1 });
  const changesOf = (response: { json: unknown }) =>
    (response.json as { changes: unknown }).changes;
  expect(changesOf(done)).toEqual(changesOf(plan));
  expect((await importFile(service, FILE)).json).toMatchObject({ revision: 1, changes: [] });
  const out = await service.send("GET", "/v1/applications/shop/export", { as: service.root });
  expect((await importFile(service, out.text)).json).toMatchObject({ revision: 1, changes: [] });
  expect((await importFile(service, FILE.replace("12.5", "20"))).json).toMatchObject({
    revision: 2,
    changes: [{ kind: "flag", key: "new-cart" }],
  });
});

test("a mistake in a file is reported with its path and line, and nothing is imported", async () => {
  await using service = await testService(management);
  const bad = FILE.replace("web/production: 30", "web/production: 0").replace("12.5", "120");
  const refused = await importFile(service, bad);
  expect(refused.status).toBe(400);
  expect(refused.json).toMatchObject({
    errors: [{ path: "body.yaml.flags.new-cart.rules.0.percentage" }],
  });
  const value = await importFile(service, FILE.replace("web/production: 30", "web/production: 0"));
  expect(value.json).toMatchObject({
    errors: [{ path: "body.yaml.settings.cart.size.values.web/production" }],
  });
  expect(value.text).toContain("line 11:");
  const aliases = await importFile(service, "a: &a [1]\nb: [*a, *a]\n");
  expect(aliases.text).toContain("aliases");
  expect((await importFile(service, "format: 1\nformat: 1\n")).text).toContain("line 2");
  expect((await importFile(service, "[".repeat(20_000))).status).toBe(400);
  const other = await importFile(service, FILE.replace("application: shop", "application: blog"));
  expect(other.status).toBe(400);
  const list = await service.send("GET", "/v1/applications", { as: service.root });
  expect(list.json).toEqual({ items: [], next: null });
});

test("applying a plan with its ETag fails after a concurrent change", async () => {
  await using service = await testService(management);
  await importFile(service, FILE);
  const plan = await importFile(service, FILE.replace("20", "25"), { dryRun: true });
  await importFile(service, FILE.replace("20", "22"));
  const late = await service.send("POST", "/v1/applications/shop/import", {
    as: service.root,
    headers: { "if-match": plan.headers.get("etag") ?? "" },
    body: { yaml: FILE.replace("20", "25"), reason: "plan" },
  });
  expect(late.status).toBe(412);
});

test("the history has who, when and why, and a rollback is a new revision", async () => {
  await using service = await testService(management);
  await importFile(service, FILE);
  const as = await service.token({ sub: `acc_${"a".repeat(24)}`, scope: "management:*" });
  const setting = "/v1/settings/shop/definitions/cart.size";
  const etag = (await service.send("GET", setting, { as })).headers.get("etag") ?? "";
  await service.send("PUT", "/v1/settings/shop/values/cart.size", {
    as,
    headers: { "if-match": etag },
    body: { value: 99, reason: "a sale" },
  });
  const body = { revision: 1, reason: "the sale is over" };
  const path = "/v1/applications/shop/rollback";
  expect((await service.send("POST", path, { as, body })).status).toBe(428);
  const headers = { "if-match": '"2"', "idempotency-key": "back" };
  const back = await service.send("POST", path, { as, body, headers });
  expect(back.json).toMatchObject({ revision: 3, changes: [{ before: 99, after: 20 }] });
  expect((await service.send("POST", path, { as, body, headers })).json).toEqual(back.json);
  const first = await service.send("GET", "/v1/applications/shop/revisions?limit=2", { as });
  const page = first.json as { items: unknown[]; next: string };
  expect(page.items).toMatchObject([
    { revision: 3, reason: "the sale is over", by: `acc_${"a".repeat(24)}` },
    { revision: 2, reason: "a sale", at: new Date(service.clock.now).toISOString() },
  ]);
  const rest = await service.send(
    "GET",
    `/v1/applications/shop/revisions?limit=2&cursor=${page.next}`,
    { as },
  );
  expect(rest.json).toMatchObject({ items: [{ revision: 1, by: "root" }], next: null });
  const diff = await service.send("GET", "/v1/applications/shop/diff?from=1&to=2", { as });
  expect(diff.json).toEqual({
    changes: [{ kind: "value", key: "cart.size", scope: {}, before: 20, after: 99 }],
  });
  const same = await service.send("GET", "/v1/applications/shop/diff?from=1&to=3", { as });
  expect(same.json).toEqual({ changes: [] });
});

test("an import without If-Match does not overwrite an existing application", async () => {
  await using service = await testService(management);
  const send = (headers: Record<string, string> = {}) =>
    service.send("POST", "/v1/applications/shop/import", {
      as: service.root,
      headers,
      body: { yaml: FILE, reason: "import" },
    });
  expect((await send()).status).toBe(200);
  expect((await send()).status).toBe(428);
  expect((await send({ "if-match": '"1"' })).status).toBe(200);
});

test("a plan fails whenever the import would fail", async () => {
  await using service = await testService(management);
  const secret = `  password: { description: "", schema: { type: secret }, default: "secret://db" }`;
  const yaml = FILE.replace("settings:", `settings:\n${secret}`);
  const plan = () => importFile(service, yaml, { dryRun: true });
  expect((await plan()).status).toBe(422);
  expect((await importFile(service, yaml)).status).toBe(422);
  const body = { value: "x" };
  await service.send("PUT", "/v1/secrets/db", { as: service.root, body });
  expect((await plan()).status).toBe(200);
});

test("imports and rollbacks that change flags require the permission for flags", async () => {
  await using service = await testService(management);
  const as = await service.token({ scope: "management:settings:write/shop" });
  expect((await importAs(as, service, { yaml: FILE })).status).toBe(403);
  await importFile(service, FILE);
  const otherFlag = FILE.replace("percentage: 12.5", "percentage: 20");
  expect((await importAs(as, service, { yaml: otherFlag, dryRun: true })).status).toBe(403);
  expect((await importAs(as, service, { yaml: otherFlag })).status).toBe(403);
  const changed = FILE.replace("web/production: 30", "web/production: 31");
  expect((await importAs(as, service, { yaml: changed })).status).toBe(200);
  await importFile(service, otherFlag);
  const rollBack = (revision: number) =>
    service.send("POST", "/v1/applications/shop/rollback", {
      as,
      headers: { "if-match": "*" },
      body: { revision, reason: "back" },
    });
  expect((await rollBack(2)).status).toBe(403);
  const both = "management:settings:write/shop management:flags:write/shop";
  const may = await service.token({ scope: both });
  expect((await importAs(may, service, { yaml: changed })).status).toBe(200);
  expect((await rollBack(1)).status).toBe(200);
});
