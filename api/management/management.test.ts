import { expect, test } from "vitest";

import { testService } from "#api/kit/testing.ts";

import { management } from "./service.ts";

type Service = Awaited<ReturnType<typeof testService>>;

const timeout = {
  description: "How long a checkout waits",
  schema: { type: "duration", minimumMs: 100 },
  default: "10s",
};

async function shop(service: Service): Promise<void> {
  const body = { name: "shop", description: "", reason: "start" };
  const added = await service.send("POST", "/v1/applications", { as: service.root, body });
  expect(added.status).toBe(201);
  const path = "/v1/settings/shop/definitions/checkout.timeout";
  const defined = await service.send("PUT", path, {
    as: service.root,
    body: { definition: timeout, reason: "needed" },
  });
  expect(defined.status).toBe(200);
}

async function set(service: Service, place: string, value: unknown) {
  const read = await service.send("GET", "/v1/settings/shop/definitions/checkout.timeout", {
    as: service.root,
  });
  return service.send("PUT", `/v1/settings/shop/values/checkout.timeout${place}`, {
    as: service.root,
    headers: { "if-match": read.headers.get("etag") ?? "" },
    body: { value, reason: "slow bank" },
  });
}

const resolved = (service: Service, query = "", headers: Record<string, string> = {}) =>
  service.send("GET", `/v1/settings/shop/resolved${query}`, { as: service.root, headers });

test("the most specific value applies, and a change is visible immediately", async () => {
  await using service = await testService(management);
  await shop(service);
  expect((await resolved(service)).json).toEqual({
    application: "shop",
    revision: 2,
    settings: { "checkout.timeout": "10s" },
  });
  expect((await set(service, "", "20s")).status).toBe(200);
  expect((await set(service, "?product=web", "30s")).status).toBe(200);
  expect((await set(service, "?product=web&environment=production", "40s")).status).toBe(200);
  const timeoutAt = async (query: string) =>
    ((await resolved(service, query)).json as { settings: Record<string, string> }).settings[
      "checkout.timeout"
    ];
  expect(await timeoutAt("")).toBe("20s");
  expect(await timeoutAt("?product=web")).toBe("30s");
  expect(await timeoutAt("?product=web&environment=staging")).toBe("30s");
  expect(await timeoutAt("?product=web&environment=production")).toBe("40s");
});

test("the current ETag gets 304, an old one the new values", async () => {
  await using service = await testService(management);
  await shop(service);
  const first = await resolved(service);
  const etag = first.headers.get("etag") ?? "";
  expect((await resolved(service, "", { "if-none-match": etag })).status).toBe(304);
  await set(service, "", "1m");
  expect((await resolved(service, "", { "if-none-match": etag })).status).toBe(200);
});

test("an invalid value is refused with its field and bound", async () => {
  await using service = await testService(management);
  await shop(service);
  const bad = await set(service, "", "50ms");
  expect(bad.status).toBe(400);
  expect(bad.json).toMatchObject({
    errors: [{ path: "body.value", message: "give at least 100ms" }],
  });
});

test("a definition that existing values do not match is refused with a list of them", async () => {
  await using service = await testService(management);
  await shop(service);
  const set1 = await set(service, "?environment=staging", "1s");
  const refused = await service.send("PUT", "/v1/settings/shop/definitions/checkout.timeout", {
    as: service.root,
    headers: { "if-match": set1.headers.get("etag") ?? "" },
    body: {
      definition: { ...timeout, schema: { type: "duration", minimumMs: 5_000 } },
      reason: "x",
    },
  });
  expect(refused.status).toBe(409);
  expect(refused.json).toMatchObject({ errors: [{ path: "values.*/staging" }] });
});

test("of two changes based on the same version, one is refused", async () => {
  await using service = await testService(management);
  await shop(service);
  const responses = await Promise.all(
    ["1s", "2s", "3s", "4s"].map((value) =>
      service.send("PUT", "/v1/settings/shop/values/checkout.timeout", {
        as: service.root,
        headers: { "if-match": '"2"' },
        body: { value, reason: "race" },
      }),
    ),
  );
  expect(responses.map((it) => it.status).toSorted((a, b) => a - b)).toEqual([200, 412, 412, 412]);
});

test("a permission for one application does not apply to another", async () => {
  await using service = await testService(management);
  await shop(service);
  const as = await service.token({ scope: "management:settings:read/blog*" });
  const path = "/v1/settings/shop/resolved";
  expect((await service.send("GET", path, { as })).status).toBe(403);
  const list = await service.send("GET", "/v1/applications", { as });
  expect(list.json).toEqual({ items: [], next: null });
});

test("flags are evaluated for an account, with the reason", async () => {
  await using service = await testService(management);
  await shop(service);
  const flag = {
    description: "",
    on: true,
    allow: ["acc_a"],
    deny: ["acc_b"],
    rules: [{ environment: "production", percentage: 100 }],
  };
  const put = { as: service.root, body: { flag, reason: "try it" } };
  const path = "/v1/flags/shop/definitions/new-cart";
  expect((await service.send("PUT", path, put)).status).toBe(200);
  expect((await service.send("PUT", path, put)).status).toBe(428);
  const ask = async (accountId: string, more: object = {}) =>
    (
      await service.send("POST", "/v1/flags/shop/evaluate", {
        as: service.root,
        body: { accountId, ...more },
      })
    ).json;
  const response = (on: boolean, because: string) => ({ flags: { "new-cart": { on, because } } });
  expect(await ask("acc_a")).toMatchObject(response(true, "allowed"));
  expect(await ask("acc_b", { environment: "production" })).toMatchObject(
    response(false, "denied"),
  );
  expect(await ask("acc_c")).toMatchObject(response(false, "no rule"));
  const inProduction = await ask("acc_c", { environment: "production" });
  expect(inProduction).toMatchObject(response(true, "percentage"));
});
