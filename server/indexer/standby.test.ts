import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";

import { expect, onTestFinished, test } from "vitest";

import { busUrlIn, openBus } from "#pipeline/bus/open-bus.ts";
import type { BusProducer } from "#pipeline/bus/port.ts";
import { openStore, storeUrlIn } from "#pipeline/store/open-store.ts";
import { systemClock } from "#platform/clock.ts";
import { findHolder, tryLease } from "#platform/lease/lease.ts";
import { silentLog } from "#platform/log.ts";
import { parseSettings } from "#platform/settings/settings.ts";

import { runProgram } from "../../tests/harness/program.ts";
import { CONTROL_PLANE_LEASE, locksIn, runningFile } from "../current-store.ts";
import { indexSettings } from "../settings.ts";
import { runStandbyIndexer } from "./standby.ts";

const PATIENCE = { timeout: 20_000 };

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), "quarterdeck standby "));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Stopped at the end of the test at the latest. */
function startStandby(env: Readonly<Record<string, string>>): { stop(): Promise<void> } {
  const { index: settings } = parseSettings({ index: indexSettings }, env);
  const stopping = new AbortController();
  const running = runStandbyIndexer({ settings, log: silentLog() }, stopping.signal);
  const stop = async (): Promise<void> => {
    stopping.abort();
    await running;
  };
  onTestFinished(stop);
  return { stop };
}

function pushTo(bus: BusProducer): Promise<void> {
  const line = '{"@timestamp":"2026-03-14T00:00:00Z","data_stream.dataset":"a","n":1}\n';
  return bus.append({ header: { format: "ecs", fields: {} }, lines: Buffer.from(line) });
}

test("one process at a time stores pushed events while no control plane with an indexer runs", async () => {
  const dataFolder = await temporaryFolder();
  const env = { QUARTERDECK_DATA: dataFolder };
  await using bus = openBus({ url: busUrlIn(dataFolder) });
  const push = (): Promise<void> => pushTo(bus);
  await push();
  const standbys = [startStandby(env), startStandby(env)];
  const storeUrl = storeUrlIn(dataFolder);
  await using store = await openStore({ url: storeUrl, clock: systemClock });
  const rows = async (): Promise<number> => (await store.status()).rows;
  await expect.poll(rows, PATIENCE).toBe(1);
  await using lease = await tryLease(locksIn(dataFolder), CONTROL_PLANE_LEASE);
  const run = async (hasIndexer: boolean): Promise<void> => {
    const url = "http://127.0.0.1:1";
    const running = { token: lease?.token, url, store: storeUrl, hasIndexer };
    await writeFile(runningFile(dataFolder), JSON.stringify(running));
  };
  // A control plane without its own indexer changes nothing.
  await run(false);
  await push();
  await expect.poll(rows, PATIENCE).toBe(2);
  await run(true);
  const holder = () => findHolder(path.join(dataFolder, "bus"), "reader");
  await expect.poll(holder, PATIENCE).toBeUndefined();
  await push();
  await rm(runningFile(dataFolder));
  await expect.poll(rows, PATIENCE).toBe(3);
  await standbys[0]?.stop();
  await push();
  await expect.poll(rows, PATIENCE).toBe(4);
}, 90_000);

test("writers and readers open bus and store where the settings place them", async () => {
  const folder = await temporaryFolder();
  const urlOf = (name: string): string => pathToFileURL(path.join(folder, "disk", name)).href;
  const dataFolder = path.join(folder, "data");
  const env = {
    QUARTERDECK_DATA: dataFolder,
    QUARTERDECK_STORE_URL: urlOf("events"),
    QUARTERDECK_BUS_URL: urlOf("pushed"),
  };
  await using bus = openBus({ url: env.QUARTERDECK_BUS_URL });
  await pushTo(bus);
  startStandby(env);
  const count = async (): Promise<string> =>
    (await runProgram(["query", "events", "--dataset", "all", "--json"], { env })).stdout;
  await expect.poll(count, { ...PATIENCE, interval: 500 }).toContain('"value":1');
  expect(await readdir(dataFolder)).not.toContain("store");
}, 90_000);
