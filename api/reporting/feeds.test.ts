import { mkdtemp, rm } from "node:fs/promises";
import { type RequestListener, type ServerResponse, createServer } from "node:http";
import { type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { accounts } from "#api/accounts/service.ts";
import { billing } from "#api/billing/service.ts";
import { testService } from "#api/kit/testing.ts";
import { reporting } from "#server/apis/reporting.ts";

const NOWHERE = "http://127.0.0.1:9";

async function serve(listen: RequestListener): Promise<string> {
  const server = createServer(listen);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void (server.closeAllConnections(), server.close()));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** An empty feed that records its readers. */
async function listener(): Promise<{ url: string; token(): string }> {
  let token = "";
  const url = await serve((request, response) => {
    token = (request.headers.authorization ?? "").replace("Bearer ", "");
    response.end(JSON.stringify({ items: [], next: null }));
  });
  return { url, token: () => token };
}

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), "qd-feeds-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test("the real feeds of Accounts and Billing are read, and a sign-up appears in the report", async () => {
  const folder = await newFolder();
  await using people = await testService(accounts, { env: { QUARTERDECK_DATA: folder } });
  await using money = await testService(billing, { env: { QUARTERDECK_DATA: folder } });
  const env = {
    QUARTERDECK_DATA: folder,
    API_ACCOUNTS_URL: people.url,
    API_BILLING_URL: money.url,
  };
  await using service = await testService(reporting, { env });
  const body = { email: "ada@example.com", password: "correct horse battery staple", name: "Ada" };
  expect((await people.send("POST", "/v1/accounts", { body })).status).toBe(201);
  const extracts = async () => {
    service.clock.now += 11_000;
    await service.runJobs();
    return (await service.send("GET", "/v1/extracts", { as: service.root })).json;
  };
  // The feed withholds the event while older transactions of the server are open.
  await expect.poll(extracts, { timeout: 20_000 }).toMatchObject({
    items: [
      { source: "billing", lastError: null },
      { source: "accounts", lastError: null, facts: 1 },
      { source: "logs" },
    ],
  });
  const report = await service.send("GET", "/v1/reports/sign-ups?period=last-7-days&step=month", {
    as: service.root,
  });
  expect(report.json).toMatchObject({
    rows: expect.arrayContaining([expect.objectContaining({ signUps: 1, total: 1 })]),
  });
});

test("a slow feed does not get another reader at every interval", async () => {
  const nothing = JSON.stringify({ items: [], next: null });
  const asking: ServerResponse[] = [];
  const url = await serve((_, response) => {
    asking.push(response);
    if (asking.length > 1) response.end(nothing);
  });
  const folder = await newFolder();
  const env = { QUARTERDECK_DATA: folder, API_ACCOUNTS_URL: NOWHERE, API_BILLING_URL: url };
  await using service = await testService(reporting, { env });
  const everyMs = 30_000;
  // A second before the next interval, and not before the jobs are due.
  service.clock.now = Math.ceil((service.clock.now + 1_000) / everyMs) * everyMs - 1_000;
  const first = service.runJobs();
  await expect.poll(() => asking.length).toBe(1);
  service.clock.now += 2_000;
  await service.runJobs();
  expect(asking).toHaveLength(1);
  asking[0]?.end(nothing);
  await first;
  service.clock.now += everyMs;
  await service.runJobs();
  expect(asking.length).toBeGreaterThan(1);
});

test("the token of Reporting can read the feeds and nothing else", async () => {
  const folder = await newFolder();
  const feed = await listener();
  const env = { QUARTERDECK_DATA: folder, API_ACCOUNTS_URL: feed.url, API_BILLING_URL: feed.url };
  await using service = await testService(reporting, { env });
  await service.runJobs();
  const as = feed.token();
  await using money = await testService(billing, { env });
  expect((await money.send("GET", "/v1/events", { as })).status).toBe(200);
  expect((await money.send("GET", "/v1/ledger/balance", { as })).status).toBe(403);
  expect((await service.send("GET", "/v1/reports/revenue", { as })).status).toBe(403);
});
