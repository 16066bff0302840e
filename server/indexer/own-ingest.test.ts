import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { line, PLAIN, startReader, TestStore } from "#pipeline/bus/contract.ts";
import { busUrlIn, openBus } from "#pipeline/bus/open-bus.ts";
import { openStore, storeUrlIn } from "#pipeline/store/open-store.ts";
import { systemClock } from "#platform/clock.ts";
import { findHolder, tryLease } from "#platform/lease/lease.ts";
import { silentLog } from "#platform/log.ts";

import { CONTROL_PLANE_LEASE, locksIn, runningFile } from "../current-store.ts";
import { startOwnIngest } from "./own-ingest.ts";

test("a process on its own moves the bus, and lets go of it where a control plane runs", async () => {
  const dataFolder = await mkdtemp(join(tmpdir(), "quarterdeck own ingest "));
  onTestFinished(() => rm(dataFolder, { recursive: true, force: true }));
  const config = { dataFolder, signIn: [], signOut: [], timezone: "UTC" };
  const open = () => Promise.resolve(openBus({ url: busUrlIn(dataFolder) }));
  await using bus = await open();
  await using ingest = startOwnIngest({ config, log: silentLog() });
  expect(ingest).toBeDefined();
  const lines = Buffer.from(
    '{"@timestamp":"2026-03-14T00:00:00Z","data_stream.dataset":"a","n":1}\n',
  );
  await bus.append({ header: PLAIN, lines });
  await using store = await openStore({ url: storeUrlIn(dataFolder), clock: systemClock });
  const rows = async () => (await store.status()).rows;
  await expect.poll(rows, { timeout: 20_000 }).toBe(1);
  await using lease = await tryLease(locksIn(dataFolder), CONTROL_PLANE_LEASE);
  const running = {
    token: lease?.token,
    url: "http://127.0.0.1:1",
    store: storeUrlIn(dataFolder),
  };
  await writeFile(runningFile(dataFolder), JSON.stringify(running));
  const holder = () => findHolder(join(dataFolder, "bus"), "reader");
  await expect.poll(holder, { timeout: 20_000 }).toBeUndefined();
  // Another reader gets its turn now, and goes on where the store ends.
  const other = new TestStore();
  other.put([], await store.positions());
  await using reader = await startReader(other, open);
  await bus.append({ header: PLAIN, lines: line(2) });
  await reader.until(1);
  expect(other.numbers).toEqual([2]);
  expect(await rows()).toBe(1);
});
