import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { DuckDBInstance } from "@duckdb/node-api";
import { expect, onTestFinished, test } from "vitest";

import { testService } from "#api/kit/testing.ts";
import { reporting } from "#server/apis/reporting.ts";

import { EXTRACTOR_FILE } from "./testing-extractor.ts";

const KILLS = 10;
const EVENTS = 1_200;
/** Every second read of the feed returns this many more events, which ends an extract in between. */
const PAGE = 40;
const NOWHERE = "http://127.0.0.1:9";

/** A feed of payments over several days. */
async function payments(): Promise<string> {
  let requests = 0;
  const server = createServer((request, response) => {
    requests += 1;
    const after = Number(new URL(request.url ?? "", "http://feed").searchParams.get("cursor") ?? 0);
    const until = Math.min(EVENTS, after + PAGE, Math.ceil(requests / 2) * PAGE);
    const items = Array.from({ length: Math.max(0, until - after) }, (_, index) => ({
      id: String(after + index + 1),
      type: "billing.payment.succeeded",
      at: new Date(Date.UTC(2026, 0, 1 + ((after + index) % 5))).toISOString(),
      data: { paymentId: `p${after + index}`, customerId: "c", currency: "EUR", amount: 1 },
    }));
    const next = items.at(-1)?.id ?? (after === 0 ? null : String(after));
    response.end(JSON.stringify({ items, next }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void (server.closeAllConnections(), server.close()));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The number of rows and of distinct events in the listed files. */
async function inLake(folder: string, files: string[]): Promise<[rows: number, events: number]> {
  const duck = await (await DuckDBInstance.create()).connect();
  const list = files.map((file) => `'${path.join(folder, "warehouse", file)}'`).join(", ");
  const reader = await duck.runAndReadAll(
    `SELECT COUNT(*)::INTEGER, COUNT(DISTINCT event_key)::INTEGER FROM read_parquet([${list}])`,
  );
  const [row = []] = reader.getRowsJS();
  return [Number(row[0]), Number(row[1])];
}

test(
  `after ${KILLS} kills of an extractor, every event is in the lake once`,
  { timeout: 180_000 },
  async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "qd-kill-"));
    const env = { QUARTERDECK_DATA: folder, API_BILLING_URL: NOWHERE, API_ACCOUNTS_URL: NOWHERE };
    await using service = await testService(reporting, { env });
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const feed = await payments();
    const rowsKept = async (): Promise<number> =>
      Number(
        (await service.database.query("SELECT COALESCE(sum(rows), 0) AS n FROM lake_files"))[0]?.[
          "n"
        ],
      );
    const start = async () => {
      const child = spawn(process.execPath, [EXTRACTOR_FILE, service.databaseUrl, folder, feed], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      await once(child.stdout, "data");
      return child;
    };
    for (let kill = 0; kill < KILLS; kill += 1) {
      const child = await start();
      const ended = once(child, "exit");
      await sleep(Math.random() * 300);
      child.kill("SIGKILL");
      await ended;
    }
    const last = await start();
    await expect.poll(rowsKept, { timeout: 60_000 }).toBe(EVENTS);
    last.kill("SIGKILL");
    await once(last, "exit");
    const rows = await service.database.query("SELECT path FROM lake_files");
    const files = rows.map((row) => String(row["path"]));
    expect(await inLake(folder, files)).toEqual([EVENTS, EVENTS]);
  },
);

test("the files of a day are compacted, and old unreferenced files are deleted", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "qd-tidy-"));
  const env = {
    QUARTERDECK_DATA: folder,
    API_BILLING_URL: await payments(),
    API_ACCOUNTS_URL: NOWHERE,
  };
  await using service = await testService(reporting, { env });
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  // Compaction runs every ten minutes of the clock: never while the files are written.
  service.clock.now = Math.ceil(service.clock.now / 600_000) * 600_000 + 1_000;
  await service.runJobs();
  for (let turn = 0; turn < 12; turn += 1) {
    service.clock.now += 31_000;
    await service.runJobs();
  }
  const list = async () =>
    (await service.database.query("SELECT path FROM lake_files")).map((row) => String(row["path"]));
  const before = await list();
  const orphan = path.join(
    folder,
    "warehouse",
    "payments",
    "2026-01-01",
    "file_of_a_dead_process.parquet",
  );
  await writeFile(orphan, "half of it");
  for (const file of [...before.map((it) => path.join(folder, "warehouse", it)), orphan])
    await utimes(file, 1, 1);
  service.clock.now += 600_000;
  await service.runJobs();
  const after = await list();
  expect(before.length).toBeGreaterThan(30);
  // January ended long ago: its rows are in one file, except those that arrived during the compaction.
  expect(after.filter((it) => it.startsWith("payments/2026-01/"))).toHaveLength(1);
  expect(after.length).toBeLessThan(before.length);
  const kept = await readdir(path.join(folder, "warehouse"), { recursive: true });
  expect(kept.filter((it) => it.endsWith(".parquet")).toSorted()).toEqual(after.toSorted());
  const report = await service.send("GET", "/v1/reports/revenue?from=2026-01-01&to=2026-02-01", {
    as: service.root,
  });
  const [row] = await service.database.query("SELECT sum(rows) AS n FROM lake_files");
  expect(report.json).toMatchObject({ rows: [{ payments: Number(row?.["n"]) }] });
});
