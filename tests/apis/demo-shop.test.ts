import { readFile } from "node:fs/promises";

import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { z } from "zod";

import type { ServiceName } from "#api/kit/service.ts";
import { sendTo } from "#api/kit/testing.ts";
import { parseSettings } from "#platform/settings/settings.ts";
import { type Apis, startApis } from "#server/apis/start-apis.ts";
import { createBackends } from "#server/demo/apis/backends.ts";
import { ApiAddresses } from "#server/demo/apis/client.ts";
import { passwordOf, people } from "#server/demo/people.ts";
import { ALL_SETTINGS } from "#server/settings.ts";

import { linesOf, temporaryFolder, until } from "./start-api.ts";

/** The demo's shop on five real processes: what a newcomer finds in them a moment after the start. */
const stack = new AsyncDisposableStack();
const closing = new AbortController();
let apis: Apis;
let shop: ReturnType<typeof createBackends>;
beforeAll(async () => {
  const folder = stack.use(await temporaryFolder());
  const ports = ["ACCOUNTS", "BILLING", "MANAGEMENT", "LOGGING", "REPORTING"].map(
    (name) => [`API_${name}_PORT`, "0"] as const,
  );
  const settings = parseSettings(ALL_SETTINGS, {
    ...Object.fromEntries(ports),
    QUARTERDECK_DATA: folder.path,
  });
  apis = await startApis(settings, () => undefined);
  stack.defer(() => apis.stop());
  stack.defer(() => closing.abort());
  await apis.ready;
  shop = createBackends({ folder: folder.path, signal: closing.signal });
  await shop.use(ApiAddresses.parse({ urls: apis.urls, rootKey: apis.rootKey }));
}, 120_000);
afterAll(() => stack.disposeAsync(), 60_000);

afterEach(() => vi.useRealTimers());

const Items = z.object({ items: z.array(z.record(z.string(), z.unknown())) });

/** What the owner of the installation sees. */
async function list(service: ServiceName, path: string): Promise<Record<string, unknown>[]> {
  const { json } = await sendTo(apis.urls[service] ?? "", "GET", `${path}?limit=100`, {
    as: apis.rootKey,
  });
  return Items.parse(json).items;
}
const statusesIn = async (path: string): Promise<unknown[]> =>
  (await list("billing", path)).map(({ status }) => status);

test("the regulars sign up, subscribe, pay and dispute as soon as it opens, whatever the hour", async () => {
  await until("paid invoices", async () => (await statusesIn("/v1/invoices")).includes("paid"));
  await until("a declined card", async () => (await statusesIn("/v1/payments")).includes("failed"));
  await until("a dispute", async () => (await statusesIn("/v1/disputes")).length > 0);
  const invoices = await list("billing", "/v1/invoices");
  expect(invoices.filter(({ tax }) => Number(tax) > 0).length).toBeGreaterThan(0);
  const accounts = await list("accounts", "/v1/accounts");
  expect(accounts.length).toBeGreaterThan(1);
}, 90_000);

test("a visitor who signs in, orders twice and signs out does it in the APIs", async () => {
  const person = people.at(-1);
  if (person === undefined) throw new Error("the demo has no people");
  const ask = (method: string, path: string, form: Record<string, string> = {}) =>
    shop.before({ method, path, user: person.name, form: new URLSearchParams(form) });
  // Who is not known to be signed in has nothing to sign out of.
  expect(await ask("POST", "/logout")).toBeUndefined();
  const credentials = { user: person.name, password: passwordOf(person.name) };
  expect(await ask("POST", "/login", credentials)).toBeUndefined();
  expect(await ask("POST", "/api/orders")).toBeUndefined();
  expect(await ask("POST", "/api/orders")).toBeUndefined();
  // A long visit: the access token of the sign-in is good for ten minutes.
  vi.useFakeTimers({ toFake: ["performance"] });
  vi.advanceTimersByTime(20 * 60_000);
  expect(await ask("GET", "/account")).toBeUndefined();
  vi.useRealTimers();
  expect(await ask("POST", "/logout")).toBeUndefined();
  const customers = await list("billing", "/v1/customers");
  const customer = customers.find(({ name }) => name === person.name);
  const subscriptions = await list("billing", "/v1/subscriptions");
  const subscription = subscriptions.find(({ customerId }) => customerId === customer?.["id"]);
  expect(subscription).toMatchObject({ status: "active", quantity: 2 });
  const log = apis.logFiles.accounts?.replace(".ndjson", ".access.ndjson") ?? "";
  const asked = () =>
    readFile(log, "utf8").then((text) =>
      linesOf(text)
        .filter((it) => it["source.ip"] === person.address)
        .map((it) => it["message"]),
    );
  await until("the sign-out in the log", async () =>
    (await asked()).includes("DELETE /v1/session 204"),
  );
  expect(await asked()).toContain("POST /v1/sessions/refresh 200");
  expect(await asked()).not.toContain("DELETE /v1/session 401");
}, 60_000);
