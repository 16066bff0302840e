import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { dropDatabase, newDatabase } from "#api/kit/test-database.ts";
import { sendTo, TEST_ROOT_KEY } from "#api/kit/testing.ts";
import { openEmbeddedStore } from "#pipeline/store/embedded-store.ts";
import { systemClock } from "#platform/clock.ts";

const KILLS = 12;
const LIFE_MS = { min: 50, max: 2_000 };
/** Pause between two pushes of a client, so that other tests get their share of the machine. */
const PAUSE_MS = 5;
const ROOT = join(import.meta.dirname, "..", "..");

/** One worker process of the service. */
const CHILD = `
import { startInstance } from "#api/kit/instance.ts";
import { deriveKeys } from "#api/kit/keys.ts";
import { logging } from "#server/apis/logging.ts";
import { instanceSettings } from "#api/kit/settings.ts";
import { systemClock } from "#platform/clock.ts";
import { silentLog } from "#platform/log.ts";
const [dataFolder, databaseUrl, rootKey] = process.argv.slice(1);
const instance = await startInstance(logging, {
  ...instanceSettings(logging, { QUARTERDECK_DATA: dataFolder }),
  databaseUrl, keys: deriveKeys(rootKey, []), port: 0, clock: systemClock, log: silentLog(),
  authenticate: () => Promise.resolve(undefined),
  writeLine: () => undefined,
  limit: { burst: 1e6, perSecond: 1e6 },
});
console.log(instance.url);
process.once("SIGTERM", () => void instance.stop().then(() => process.exit(0)));`;

type Worker = { child: ChildProcess; url: string };

async function startWorker(args: readonly string[]): Promise<Worker> {
  const flags = ["--no-warnings", "--input-type=module-typescript", "--eval", CHILD];
  const child = spawn(process.execPath, [...flags, ...args], { cwd: ROOT });
  let errors = "";
  child.stderr.on("data", (data) => (errors += String(data)));
  const ended = once(child, "exit").then(() => {
    throw new Error(`a worker ended by itself: ${errors}`);
  });
  const [url] = await Promise.race([once(child.stdout, "data"), ended]);
  ended.catch(() => undefined);
  return { child, url: String(url).trim() };
}

/** The indexer that `quarterdeck api logging` starts beside the workers. */
function startIndexer(dataFolder: string): ChildProcess {
  return fork(join(ROOT, "server", "indexer", "standby-process.ts"), [], {
    env: { ...process.env, QUARTERDECK_DATA: dataFolder },
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    execArgv: [],
  });
}

/** Pushes numbers until stopped; records those acknowledged. */
function startClient(worker: () => Worker, numbers: { next: number }) {
  const acknowledged: number[] = [];
  const state = { stopped: false };
  async function run(): Promise<void> {
    while (!state.stopped) {
      const n = (numbers.next += 10);
      const line = (i: number): string => `{"data_stream.dataset":"kill","n":${n + i}}\n`;
      const response = await sendTo(worker().url, "POST", "/v1/logs/batch", {
        as: TEST_ROOT_KEY,
        headers: { "content-type": "application/x-ndjson" },
        body: [0, 1, 2].map(line).join(""),
      }).catch(() => undefined);
      if (response?.status === 202) acknowledged.push(n, n + 1, n + 2);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
  const running = run();
  return {
    acknowledged,
    async stop() {
      state.stopped = true;
      await running;
    },
  };
}

/** How often each number is stored. */
async function storedIn(folder: string): Promise<Map<number, number>> {
  await using store = await openEmbeddedStore({ folder, clock: systemClock });
  const counts = new Map<number, number>();
  const all = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, where: [], limit: 5_000 };
  let after: Parameters<typeof store.search>[0]["after"];
  for (;;) {
    const page = await store.search({ ...all, ...(after ? { after } : {}) });
    for (const { fields } of page) {
      expect(fields["data_stream.dataset"]).toBe("kill");
      const n = Number(fields["n"]);
      counts.set(n, (counts.get(n) ?? 0) + 1);
    }
    const last = page.at(-1);
    if (!last) return counts;
    after = { tMs: Date.parse(String(last.fields["@timestamp"])), id: last.id };
  }
}

test(
  `after ${KILLS} kills of workers and indexers at random moments, what was acknowledged is stored once`,
  { timeout: 300_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "quarterdeck kill "));
    const databaseUrl = await newDatabase();
    const args = [folder, databaseUrl, TEST_ROOT_KEY];
    const workers = [await startWorker(args), await startWorker(args)];
    const indexers = [startIndexer(folder), startIndexer(folder)];
    const children = (): ChildProcess[] => [...workers.map(({ child }) => child), ...indexers];
    onTestFinished(async () => {
      for (const child of children()) child.kill("SIGKILL");
      await rm(folder, { recursive: true, force: true });
      await dropDatabase(databaseUrl);
    });
    const numbers = { next: 0 };
    const workerAt = (i: number): Worker => {
      const worker = workers[i];
      if (!worker) throw new Error("there are two workers");
      return worker;
    };
    const clients = [0, 1].map((i) => startClient(() => workerAt(i), numbers));
    for (let kill = 0; kill < KILLS; kill += 1) {
      const { min, max } = LIFE_MS;
      await new Promise((resolve) => setTimeout(resolve, min + Math.random() * (max - min)));
      const index = kill % 2;
      const isIndexer = kill % 4 >= 2;
      const child = isIndexer ? indexers[index] : workers[index]?.child;
      if (!child) throw new Error("there are two of each");
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
      if (isIndexer) indexers[index] = startIndexer(folder);
      else workers[index] = await startWorker(args);
    }
    for (const client of clients) await client.stop();
    const acknowledged = clients.flatMap((client) => client.acknowledged);
    expect(acknowledged.length).toBeGreaterThan(KILLS);
    const missing = async (): Promise<number> => {
      const stored = await storedIn(join(folder, "store"));
      return acknowledged.filter((n) => !stored.has(n)).length;
    };
    await expect.poll(missing, { timeout: 60_000, interval: 1_000 }).toBe(0);
    const stored = await storedIn(join(folder, "store"));
    expect([...stored].filter(([, times]) => times !== 1)).toEqual([]);
    // A clean stop leaves nothing in the bus.
    for (const child of children()) {
      child.kill("SIGTERM");
      expect(await once(child, "exit")).toEqual([0, null]);
    }
  },
);
