import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { expect, test } from "vitest";

import { busUrlIn, openBus } from "#pipeline/bus/open-bus.ts";
import { openStore, storeUrlIn } from "#pipeline/store/open-store.ts";
import type { Expired } from "#pipeline/store/port.ts";
import { systemClock } from "#platform/clock.ts";

import { startIndexer } from "./indexer.ts";

const LINE =
  '198.51.100.7 - - [14/Mar/2026:00:00:00 +0000] "GET /page HTTP/1.1" 200 12 "-" "Indexer/1"\n';

const TASK = {
  signIn: [],
  signOut: [],
  trustedProxies: [],
  cloudFrontFields: [],
  timezone: "UTC",
  durationUnits: [],
  sealAfterMs: 3_000,
};

test("an indexer that fails reports the reason, is restarted, and reads the pending events", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "quarterdeck indexer "));
  const log = path.join(folder, "access.log");
  const storeFolder = path.join(folder, "store");
  await writeFile(log, LINE.repeat(3));
  await writeFile(storeFolder, "a file where a folder should be");
  const failures: string[] = [];
  let rows = 0;
  const storeUrl = storeUrlIn(folder);
  const task = { ...TASK, storeUrl, locksFolder: path.join(folder, "locks"), paths: [log] };
  const indexer = startIndexer(task, {
    attach: (channel) =>
      channel.onMessage((message) => {
        if (message.type === "sealed") rows += message.rows;
      }),
    onFailed: (error) => failures.push(error),
    onExpired: () => undefined,
  });
  try {
    await expect.poll(() => failures.length, { timeout: 20_000 }).toBeGreaterThan(0);
    expect(failures[0]).toContain(storeFolder);
    await rm(storeFolder);
    await expect.poll(() => rows, { timeout: 20_000 }).toBe(3);
  } finally {
    await indexer.stop();
    await rm(folder, { recursive: true, force: true });
  }
}, 60_000);

test("pushed events go into the same store as the events of files", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "quarterdeck indexer "));
  const [storeUrl, busUrl] = [storeUrlIn(folder), busUrlIn(folder)];
  const log = path.join(folder, "access.log");
  await writeFile(log, LINE);
  const bus = openBus({ url: busUrl });
  const locksFolder = path.join(folder, "locks");
  const task = { ...TASK, storeUrl, busUrl, locksFolder, paths: [log] };
  let rows = 0;
  const indexer = startIndexer(task, {
    attach: (channel) =>
      channel.onMessage((message) => {
        if (message.type === "sealed") rows += message.rows;
      }),
    onFailed: (error) => expect.fail(error),
    onExpired: () => undefined,
  });
  try {
    const pushed = '{"@timestamp":"2026-03-14T00:00:00Z","data_stream.dataset":"pushed","n":1}\n';
    await bus.append({ header: { format: "ecs", fields: {} }, lines: Buffer.from(pushed) });
    await expect.poll(() => rows, { timeout: 20_000 }).toBe(2);
    await using store = await openStore({ url: storeUrl, clock: systemClock });
    expect((await store.extents()).map(({ dataset }) => dataset)).toEqual([
      "nginx.access",
      "pushed",
    ]);
  } finally {
    await indexer.stop();
    await bus[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  }
}, 60_000);

test("events that the retention of their dataset deletes are reported", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "quarterdeck indexer "));
  const storeUrl = storeUrlIn(folder);
  const log = path.join(folder, "access.log");
  await writeFile(log, LINE.repeat(3));
  await using store = await openStore({ url: storeUrl, clock: systemClock });
  await store.setRetention(new Map([["nginx.access", 30]]));
  const deleted: Expired[] = [];
  const task = { ...TASK, storeUrl, locksFolder: path.join(folder, "locks"), paths: [log] };
  const indexer = startIndexer(task, {
    attach: () => undefined,
    onFailed: (error) => expect.fail(error),
    onExpired: (expired) => deleted.push(...expired),
  });
  try {
    await expect.poll(() => deleted.length, { timeout: 20_000 }).toBe(1);
    const atMs = Date.UTC(2026, 2, 14);
    expect(deleted).toEqual([
      { dataset: "nginx.access", rows: 3, fromMs: atMs, toMs: atMs, days: 30 },
    ]);
    expect(await store.extents()).toEqual([]);
  } finally {
    await indexer.stop();
    await rm(folder, { recursive: true, force: true });
  }
}, 60_000);
