import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { testService } from "#api/kit/testing.ts";
import { Batch } from "#collectors/batch.ts";
import { ecs } from "#collectors/formats/ecs.ts";
import { UTC } from "#collectors/zone.ts";
import { bucketOf, valueOf } from "#pipeline/sketches/latency-sketch.ts";
import { openEmbeddedStore } from "#pipeline/store/embedded-store.ts";
import { systemClock } from "#platform/clock.ts";
import { reporting } from "#server/apis/reporting.ts";

const DAY_MS = 86_400_000;

type Access = {
  atMs: number;
  release?: string;
  status?: number;
  ms?: number;
  service?: string;
  dataset?: string;
};

/** Access log lines of the services in the pipeline's own store. */
async function store(folder: string, lines: readonly Access[], offset: number): Promise<void> {
  const batch = new Batch(lines.length);
  const scan = ecs.open(batch, { zone: UTC, nowMs: systemClock.nowMs() });
  for (const [index, line] of lines.entries()) {
    const document = {
      "@timestamp": new Date(line.atMs).toISOString(),
      "service.name": line.service ?? "billing",
      "service.version": line.release,
      "http.request.method": "GET",
      "http.response.status_code": line.status ?? 200,
      "event.duration": line.ms === undefined ? undefined : line.ms * 1e6,
      "url.path": "/v1/invoices",
    };
    const bytes = Buffer.from(JSON.stringify(document));
    expect(scan(bytes, 0, bytes.length)).toBeUndefined();
    batch.text("log.source.id").putText(index, "src_1");
    batch.number("log.offset").put(index, offset + index);
    batch.text("data_stream.dataset").putText(index, line.dataset ?? "billing.access");
    batch.commit();
  }
  await using opened = await openEmbeddedStore({
    folder: path.join(folder, "store"),
    clock: systemClock,
  });
  await opened.append(batch, [], new Map([["src_1", { offset: offset + lines.length }]]));
}

test("requests of the access log become response times and costs by release, and late lines still count", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "qd-requests-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const today = Math.floor(systemClock.nowMs() / DAY_MS) * DAY_MS;
  const yesterday = today - DAY_MS;
  await store(
    folder,
    [
      ...Array.from({ length: 20 }, (_, i) => ({
        atMs: yesterday + i * 1_000,
        release: "1.0.0",
        ms: 10,
      })),
      { atMs: yesterday + 3_600_000, release: "1.1.0", ms: 200, status: 503 },
      { atMs: yesterday + 3_600_000, release: "1.1.0" },
      // Not a request of a service: it has no release.
      { atMs: yesterday, ms: 1 },
    ],
    0,
  );
  const env = {
    QUARTERDECK_DATA: folder,
    API_BILLING_URL: "http://127.0.0.1:9",
    API_ACCOUNTS_URL: "http://127.0.0.1:9",
  };
  await using service = await testService(reporting, { env });
  const from = new Date(yesterday - DAY_MS).toISOString().slice(0, 10);
  const to = new Date(today + DAY_MS).toISOString().slice(0, 10);
  const rowsOf = async (report: string): Promise<unknown> => {
    const { json } = await service.send("GET", `/v1/reports/${report}from=${from}&to=${to}`, {
      as: service.root,
    });
    return (json as { rows: unknown }).rows;
  };
  await service.runJobs();
  const p = (ms: number): string => valueOf(bucketOf(ms)).toFixed(3);
  expect(await rowsOf("response-time?")).toEqual([
    {
      period: null,
      service: "billing",
      release: "1.0.0",
      requests: 20,
      errors: 0,
      errorRate: "0.000000",
      p50: p(10),
      p95: p(10),
      p99: p(10),
    },
    {
      period: null,
      service: "billing",
      release: "1.1.0",
      requests: 2,
      errors: 1,
      errorRate: "0.500000",
      p50: p(200),
      p95: p(200),
      p99: p(200),
    },
  ]);
  const late = { atMs: yesterday + 5_000, ms: 10 };
  await store(
    folder,
    [
      { ...late, release: "1.0.0" },
      { ...late, release: "x".repeat(5_000) },
    ],
    1_000,
  );
  for (let turn = 0; turn < 4; turn += 1) {
    service.clock.now += 61_000;
    await service.runJobs();
  }
  expect(await rowsOf("cost-per-request?costPerDay=2400&currency=EUR&step=day&")).toMatchObject([
    { requests: 0, cost: 2_400, costPerRequest: null },
    { requests: 24, cost: 2_400, costPerRequest: "100.000000" },
    { requests: 0 },
  ]);
  // A name too long for a Redshift column would block the load of every later file.
  expect(await rowsOf("response-time?")).toContainEqual(
    expect.objectContaining({ release: "x".repeat(200), requests: 1 }),
  );
});

test("reports keep data that retention deletes from the log", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "qd-requests-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const today = Math.floor(systemClock.nowMs() / DAY_MS) * DAY_MS;
  const earlier = today - 3 * DAY_MS;
  const lines = [
    { atMs: earlier, release: "1.0.0", ms: 10 },
    { atMs: earlier, dataset: "edge.access" },
  ];
  await store(folder, lines, 0);
  const nowhere = "http://127.0.0.1:9";
  const env = { QUARTERDECK_DATA: folder, API_BILLING_URL: nowhere, API_ACCOUNTS_URL: nowhere };
  await using service = await testService(reporting, { env });
  await service.runJobs();
  await using log = await openEmbeddedStore({
    folder: path.join(folder, "store"),
    clock: systemClock,
  });
  await log.setRetention(new Map([["billing.access", 1]]));
  while (await log.expire(systemClock.nowMs()));
  const extents = async () => (await log.extents()).map(({ dataset }) => dataset);
  expect(await extents()).toEqual(["edge.access"]);
  for (let turn = 0; turn < 4; turn += 1) {
    service.clock.now += 61_000;
    await service.runJobs();
  }
  const report = "/v1/reports/response-time?period=last-7-days";
  const { json } = await service.send("GET", report, { as: service.root });
  expect(json).toMatchObject({ rows: [{ release: "1.0.0", requests: 1 }] });
});
