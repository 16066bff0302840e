import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

import { DuckDBInstance } from "@duckdb/node-api";
import { expect, test } from "vitest";

import { type TestService, testService } from "#api/kit/testing.ts";
import { reporting } from "#server/apis/reporting.ts";

import type { FeedEvent } from "./domain/events.ts";
import { GOLDEN } from "./warehouse/testing-golden.ts";
import { GOLDEN_FEEDS } from "./warehouse/testing-history.ts";

/** The feeds of Billing and Accounts over real HTTP, with injected faults. */
async function fakeFeeds(events: Record<string, FeedEvent[]> = structuredClone(GOLDEN_FEEDS)) {
  const state = { down: false, tokens: new Set<string>(), requests: 0, pageMax: 7 };
  const serve = (source: string) => {
    const server = createServer((request, response) => {
      state.requests += 1;
      state.tokens.add(request.headers.authorization ?? "");
      if (state.down) return void response.writeHead(503).end();
      const url = new URL(request.url ?? "", "http://feed");
      const after = Number(url.searchParams.get("cursor") ?? 0);
      const items = (events[source] ?? [])
        .filter(({ id }) => Number(id) > after)
        .slice(0, state.pageMax);
      const next = items.at(-1)?.id ?? url.searchParams.get("cursor");
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ items, next }));
    });
    return new Promise<{ url: string; close(): void }>((resolve) => {
      server.listen(0, "127.0.0.1", () => {
        const { port } = server.address() as AddressInfo;
        const close = () => void (server.closeAllConnections(), server.close());
        resolve({ url: `http://127.0.0.1:${port}`, close });
      });
    });
  };
  const billing = await serve("billing");
  const accounts = await serve("accounts");
  return {
    ...state,
    state,
    events,
    billing,
    accounts,
    close: () => (billing.close(), accounts.close()),
  };
}

type Feeds = Awaited<ReturnType<typeof fakeFeeds>>;
type Opened = AsyncDisposable & {
  service: TestService & { databaseUrl: string };
  feeds: Feeds;
  env: Record<string, string>;
};

async function open(): Promise<Opened> {
  const folder = await mkdtemp(path.join(tmpdir(), "qd-reporting-"));
  const feeds = await fakeFeeds();
  const env = {
    QUARTERDECK_DATA: folder,
    API_BILLING_URL: feeds.billing.url,
    API_ACCOUNTS_URL: feeds.accounts.url,
  };
  const service = await testService(reporting, { env });
  // Later than the real time of any run, because time must not go backwards.
  service.clock.now = Date.UTC(2127, 3, 1, 12);
  return {
    service,
    feeds,
    env,
    async [Symbol.asyncDispose]() {
      await service.stop();
      feeds.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Runs every job that is due within a short time. */
async function later(service: TestService, ms = 15_000): Promise<void> {
  service.clock.now += ms;
  await service.runJobs();
}

const REVENUE = "/v1/reports/revenue?from=2026-01-01&to=2026-04-01&step=month";

test("events of other services are counted once in reports, and are read with a minimal token", async () => {
  await using it = await open();
  const { service, feeds } = it;
  await later(service);
  const answer = await service.send("GET", REVENUE, { as: service.root });
  expect(answer.status).toBe(200);
  const [golden] = GOLDEN;
  expect(answer.json).toMatchObject({
    report: "revenue",
    dataUntil: { billing: "2127-04-01T11:59:45.000Z" },
  });
  const { rows } = answer.json as { rows: Record<string, unknown>[] };
  expect(rows.map((row) => Object.values(row))).toEqual(golden?.rows);
  // The same events again (feeds deliver at least once), and some new ones.
  await service.database.query("UPDATE jobs SET run_at = run_at");
  await later(service);
  const again = await service.send("GET", REVENUE, { as: service.root });
  expect((again.json as { rows: unknown }).rows).toEqual(rows);
  expect(feeds.state.tokens.size).toBe(1);
  expect([...feeds.state.tokens][0]).not.toContain(service.root);
});

test("an unavailable source is reported, others continue, and nothing is lost after recovery", async () => {
  await using it = await open();
  const { service, feeds } = it;
  feeds.state.down = true;
  await later(service);
  const status = async (source: string) => {
    const { json } = await service.send("GET", "/v1/extracts", { as: service.root });
    return (json as { items: Record<string, unknown>[] }).items.find(
      (item) => item["source"] === source,
    );
  };
  expect(await status("billing")).toMatchObject({
    dataUntil: null,
    lastError: expect.stringContaining("503"),
  });
  feeds.state.down = false;
  await later(service);
  expect(await status("billing")).toMatchObject({
    facts: GOLDEN_FEEDS.billing.length,
    lastError: null,
    lagS: 30,
  });
  expect(await status("accounts")).toMatchObject({ facts: GOLDEN_FEEDS.accounts.length });
});

test("two processes that read the same feed at once store each event once", async () => {
  await using it = await open();
  const second = await testService(reporting, { env: it.env, databaseUrl: it.service.databaseUrl });
  second.clock.now = it.service.clock.now;
  const both = [it.service, second];
  await Promise.all(both.map((service) => later(service)));
  await Promise.all(both.map((service) => later(service)));
  const [row] = await it.service.database.query(
    "SELECT sum(rows) AS rows FROM lake_files WHERE fact = 'payments'",
  );
  expect(Number(row?.["rows"])).toBe(6);
  await second.stop();
});

test("an invalid event is counted and logged, and does not block the extract", async () => {
  await using it = await open();
  const [first] = it.feeds.events["billing"] ?? [];
  if (first) first.data = { ...first.data, mrr: "a lot" };
  await later(it.service);
  const { json } = await it.service.send("GET", "/v1/extracts", { as: it.service.root });
  expect(json).toMatchObject({
    items: [
      { source: "billing", rejected: 1, lastRejected: expect.stringContaining("data.mrr") },
      {},
      {},
    ],
  });
});

test("CSV and Parquet reports have the same numbers", async () => {
  await using it = await open();
  const { service } = it;
  await later(service);
  const csv = await service.send("GET", `${REVENUE}&currency=USD`, {
    as: service.root,
    headers: { accept: "text/csv" },
  });
  expect(csv.headers.get("content-type")).toContain("text/csv");
  expect(csv.headers.get("data-until")).toContain("billing");
  expect(csv.text.split("\r\n").slice(0, 3)).toEqual([
    `"period","currency","plan","payments","gross","tax","refunds","chargebacks","net"`,
    `2026-01-01,"USD",,1,6000,0,0,0,6000`,
    `2026-02-01,"USD",,0,0,0,0,6000,-6000`,
  ]);
  const response = await fetch(new URL(`${REVENUE}&format=parquet`, service.url), {
    headers: { authorization: `Bearer ${service.root}` },
  });
  const file = path.join(it.env["QUARTERDECK_DATA"] ?? "", "answer.parquet");
  const { writeFile } = await import("node:fs/promises");
  await writeFile(file, Buffer.from(await response.arrayBuffer()));
  const duck = await (await DuckDBInstance.create()).connect();
  const reader = await duck.runAndReadAll(
    `SELECT CAST(SUM(net) AS VARCHAR), MIN(period)::VARCHAR FROM '${file}' WHERE currency = 'EUR'`,
  );
  expect(reader.getRowsJS()).toEqual([["1000", "2026-01-01"]]);
});

test("a run is computed once, stored, and downloaded as a file", async () => {
  await using it = await open();
  const { service } = it;
  await later(service);
  const headers = { "idempotency-key": "order-1" };
  const body = { format: "csv", parameters: { from: "2026-03-01", to: "2026-04-01" } };
  const order = () =>
    service.send("POST", "/v1/reports/mrr/runs", { as: service.root, headers, body });
  const [one, two] = [await order(), await order()];
  expect(one.status).toBe(202);
  expect(two.text).toBe(one.text);
  const { id } = one.json as { id: string };
  const waiting = await service.send("GET", `/v1/runs/${id}/result`, { as: service.root });
  expect(waiting.status).toBe(404);
  await service.runJobs();
  const run = await service.send("GET", `/v1/runs/${id}`, { as: service.root });
  expect(run.json).toMatchObject({ status: "succeeded", rows: 2, result: `/v1/runs/${id}/result` });
  const result = await service.send("GET", `/v1/runs/${id}/result`, { as: service.root });
  expect(result.headers.get("content-disposition")).toContain("mrr-2127-04-01.csv");
  expect(result.text).toContain(`2026-03-01,"EUR",5000,1000,0,-4000,0,1000,3000`);
  // Withheld while older transactions of the server are open.
  await expect
    .poll(async () => (await service.send("GET", "/v1/events", { as: service.root })).json, {
      timeout: 20_000,
    })
    .toMatchObject({ items: [{ type: "reporting.run.succeeded", subject: id }] });
  await later(service, 31 * 86_400_000);
  expect((await service.send("GET", `/v1/runs/${id}/result`, { as: service.root })).status).toBe(
    404,
  );
  expect((await service.send("GET", `/v1/runs/${id}`, { as: service.root })).json).toMatchObject({
    result: null,
  });
});

test("a schedule runs when due, catches up once, does not run while paused, and rejects concurrent changes", async () => {
  await using it = await open();
  const { service } = it;
  const content = {
    name: "Monday",
    report: "sign-ups",
    cron: "0 6 * * 1",
    timeZone: "Europe/Berlin",
    parameters: { period: "last-month" },
  };
  const made = await service.send("POST", "/v1/schedules", { as: service.root, body: content });
  expect(made.status).toBe(201);
  expect(made.json).toMatchObject({
    nextRuns: ["2127-04-07T04:00:00.000Z", "2127-04-14T04:00:00.000Z", "2127-04-21T04:00:00.000Z"],
    lastRun: null,
  });
  const { id } = made.json as { id: string };
  const runs = async () =>
    (
      (await service.send("GET", `/v1/runs?scheduleId=${id}`, { as: service.root })).json as {
        items: unknown[];
      }
    ).items;
  // An outage over three Mondays.
  service.clock.now = Date.parse("2127-04-22T12:00:00Z");
  await service.runJobs();
  expect(await runs()).toMatchObject([{ status: "succeeded", scheduleId: id }]);
  const path1 = `/v1/schedules/${id}`;
  const now = await service.send("GET", path1, { as: service.root });
  expect(now.json).toMatchObject({
    nextRuns: [expect.stringContaining("2127-04-28"), {}, {}]
      .slice(0, 1)
      .concat([expect.any(String), expect.any(String)]),
    lastRun: { status: "succeeded" },
  });
  const pause = (etag: string) =>
    service.send("PUT", path1, {
      as: service.root,
      headers: { "if-match": etag },
      body: { ...content, paused: true },
    });
  expect((await pause('"7"')).status).toBe(412);
  const paused = await pause(now.headers.get("etag") ?? "");
  expect(paused.json).toMatchObject({ paused: true, nextRuns: [], version: 2 });
  await later(service, 30 * 86_400_000);
  expect(await runs()).toHaveLength(1);
  const deleted = await service.send("DELETE", path1, {
    as: service.root,
    headers: { "if-match": '"2"' },
  });
  expect(deleted.status).toBe(204);
  expect((await service.send("GET", path1, { as: service.root })).status).toBe(404);
});

test("a permission for one report allows reading, running and listing only that report", async () => {
  await using it = await open();
  const { service } = it;
  const as = await service.token({
    scope: "reporting:reports:read/sign-ups reporting:schedules:write",
  });
  const list = await service.send("GET", "/v1/reports", { as });
  expect((list.json as { items: { name: string }[] }).items.map(({ name }) => name)).toEqual([
    "sign-ups",
  ]);
  expect((await service.send("GET", "/v1/reports/sign-ups", { as })).status).toBe(200);
  expect((await service.send("GET", "/v1/reports/revenue", { as })).status).toBe(403);
  const order = { as: service.root, body: { parameters: {} } };
  const { id } = (await service.send("POST", "/v1/reports/revenue/runs", order)).json as {
    id: string;
  };
  expect((await service.send("GET", `/v1/runs/${id}`, { as })).status).toBe(404);
  expect((await service.send("GET", "/v1/runs", { as })).json).toEqual({ items: [], next: null });
  const body = { name: "x", report: "revenue", cron: "0 6 * * 1" };
  expect((await service.send("POST", "/v1/schedules", { as, body })).status).toBe(403);
});

test("an invalid request names the invalid parameter", async () => {
  await using it = await open();
  const { service } = it;
  const bad = async (address: string) => {
    const { status, text } = await service.send("GET", address, { as: service.root });
    return `${status} ${text}`;
  };
  expect(await bad("/v1/reports/revenue?from=2026-02-30")).toMatch(/^400 .*query\.from/);
  expect(await bad("/v1/reports/revenue?from=2026-03-01&to=2026-02-01")).toMatch(
    /^400 .*"query\.from/,
  );
  expect(await bad("/v1/reports/turnover?from=2020-01-01&to=2026-01-01&step=hour")).toMatch(
    /^400 .*"query\.step/,
  );
  expect(await bad("/v1/reports/cost-per-request")).toMatch(/^400 .*query\.costPerDay/);
  const parameters = { from: "2026-03-01", to: "2026-02-01" };
  const order = { as: service.root, body: { parameters } };
  const ordered = await service.send("POST", "/v1/reports/revenue/runs", order);
  expect(ordered.json).toMatchObject({ errors: [{ path: "body.parameters.from" }] });
  const unknown = {
    name: "x",
    report: "revenue",
    cron: "0 0 1 2 *",
    parameters: { constructor: "x" },
  };
  const refused = await service.send("POST", "/v1/schedules", { as: service.root, body: unknown });
  expect(refused.json).toMatchObject({ errors: [{ path: "body.parameters" }] });
  const body = { name: "x", report: "revenue", cron: "0 0 31 2 *" };
  const never = await service.send("POST", "/v1/schedules", { as: service.root, body });
  expect(never.json).toMatchObject({ status: 400, errors: [{ path: "body.cron" }] });
});
