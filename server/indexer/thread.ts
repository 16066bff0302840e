/** The `index` role: tails the sources, stores their events, and tells the control plane what changed. */
import { parentPort, workerData } from "node:worker_threads";

import { fileSource } from "#collectors/sources/files.ts";
import { replaySource } from "#collectors/sources/replay.ts";
import { zoneOf } from "#collectors/zone.ts";
import { joinSources } from "#pipeline/bus/join-sources.ts";
import { openBus } from "#pipeline/bus/open-bus.ts";
import { Ingest } from "#pipeline/ingest/ingest.ts";
import { keepUp } from "#pipeline/ingest/upkeep.ts";
import { openEmbeddedStore } from "#pipeline/store/embedded-store.ts";
import { systemClock } from "#platform/clock.ts";

import { deriveRules } from "../rules.ts";
import type { FromIndexer, IndexerTask, TailRequest, ToIndexer } from "./protocol.ts";
import { tailRows } from "./tailer.ts";

const SEAL_AFTER_MS = 3_000;
const FOLD_EVERY_MS = 100;
const STATUS_EVERY_MS = 1_000;

const port = parentPort;
if (!port) throw new Error("server/indexer/thread.ts runs as a worker thread only");
// The control plane starts this thread with an IndexerTask and nothing else.
// oxlint-disable-next-line no-unsafe-type-assertion -- both ends are this folder
const task = workerData as IndexerTask;
const post = (message: FromIndexer): void => port.postMessage(message);

let tails: TailRequest[] = [];
let storeError: string | null = null;
const stop = new AbortController();
port.on("message", (message: ToIndexer) => {
  if (message.type === "stop") stop.abort();
  else tails = message.tails;
});

async function main(): Promise<void> {
  await using store = await openEmbeddedStore({
    folder: task.storeFolder,
    clock: systemClock,
    memoryLimitMb: 192,
  });
  const zone = zoneOf(task.timezone);
  await using files = task.replay
    ? replaySource({ ...task.replay, clock: systemClock, zone })
    : fileSource({
        paths: task.paths,
        follow: true,
        clock: systemClock,
        locksFolder: task.locksFolder,
      });
  const { busUrl } = task;
  await using bus = busUrl === undefined ? undefined : openBus({ url: busUrl });
  const ingest = new Ingest({
    store,
    clock: systemClock,
    rules: deriveRules(task),
    zone,
    sealAfterMs: SEAL_AFTER_MS,
    foldEveryMs: FOLD_EVERY_MS,
    onFrames: (deltas) => {
      if (deltas.length > 0) post({ type: "frames", deltas });
    },
    onRows: (batch, from, to) => {
      if (tails.length === 0) return;
      for (const found of tailRows(batch, { from, to, nowMs: systemClock.nowMs() }, tails)) {
        if (found.events.length + found.skipped > 0) post({ type: "tail", ...found });
      }
    },
    onSealed: (sealed) => {
      storeError = null;
      post({ type: "sealed", ...sealed });
    },
    onStoreError: (error) => {
      storeError = error instanceof Error ? error.message : String(error);
    },
  });
  const tellStatus = (): void =>
    post({
      type: "status",
      counts: ingest.counts,
      sources: ingest.statusWith(files.status()),
      storeError,
    });
  const status = setInterval(tellStatus, STATUS_EVERY_MS);
  const upkeep = keepUp({ store, clock: systemClock, bus }, stop.signal);
  try {
    await ingest.run(bus ? joinSources([files, bus]) : files, stop.signal);
  } finally {
    clearInterval(status);
    // A replay that has ended is counted to its last line.
    tellStatus();
    stop.abort();
    await upkeep;
  }
}

main().then(
  () => post({ type: "stopped", error: null }),
  (error: unknown) =>
    post({
      type: "stopped",
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    }),
);
