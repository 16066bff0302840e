/** Moves the bus into a store, in a thread. */
import { parentPort, workerData } from "node:worker_threads";

import { parseRequestPattern } from "#collectors/derive/request-pattern.ts";
import { zoneOf } from "#collectors/zone.ts";
import { openBus } from "#pipeline/bus/open-bus.ts";
import { Ingest } from "#pipeline/ingest/ingest.ts";
import { keepUp } from "#pipeline/ingest/upkeep.ts";
import { openStore } from "#pipeline/store/open-store.ts";
import { systemClock } from "#platform/clock.ts";

import type { IngestTask } from "./own-ingest.ts";

const SEAL_AFTER_MS = 1_000;
const FOLD_EVERY_MS = 100;
const MEMORY_MB = 128;

const port = parentPort;
if (!port) throw new Error("server/indexer/own-ingest-thread.ts runs as a worker thread only");
// oxlint-disable-next-line no-unsafe-type-assertion -- own-ingest.ts starts it, with an IngestTask and nothing else
const task = workerData as IngestTask;
const stop = new AbortController();
port.once("message", () => stop.abort());

async function main(): Promise<void> {
  await using store = await openStore({
    url: task.storeUrl,
    clock: systemClock,
    memoryLimitMb: MEMORY_MB,
  });
  const ingest = new Ingest({
    store,
    clock: systemClock,
    rules: {
      signIn: task.signIn.map(parseRequestPattern),
      signOut: task.signOut.map(parseRequestPattern),
    },
    zone: zoneOf(task.timezone),
    sealAfterMs: SEAL_AFTER_MS,
    foldEveryMs: FOLD_EVERY_MS,
    onStoreError: (error) =>
      port?.postMessage(error instanceof Error ? error.message : String(error)),
  });
  await using bus = openBus({ url: task.busUrl });
  const upkeep = keepUp({ store, clock: systemClock, bus }, stop.signal);
  try {
    await ingest.run(bus, stop.signal);
  } finally {
    stop.abort();
    await upkeep;
  }
}

await main();
port.close();
