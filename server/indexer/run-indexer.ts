import { durationRules } from "#collectors/duration-rules.ts";
import { replaySource } from "#collectors/sources/replay.ts";
import { zoneOf } from "#collectors/zone.ts";
import { openBus } from "#pipeline/bus/open-bus.ts";
import { Ingest } from "#pipeline/ingest/ingest.ts";
import { joinSources } from "#pipeline/ingest/join-sources.ts";
import { keepUp } from "#pipeline/ingest/upkeep.ts";
import type { LivePublisher } from "#pipeline/live-link/publisher.ts";
import type { Processing } from "#pipeline/processing/processing.ts";
import { openStore } from "#pipeline/store/open-store.ts";
import type { Expired } from "#pipeline/store/port.ts";
import { systemClock as clock } from "#platform/clock.ts";

import { openProcessingState } from "../processing-state.ts";
import { deriveRules } from "../rules.ts";
import { IndexerFailures } from "./indexer-failures.ts";
import { openLogs } from "./open-logs.ts";

const FOLD_EVERY_MS = 25;
const STATUS_EVERY_MS = 1_000;
const STORE_MEMORY_MB = 192;

/** The task of an indexer: plain data, because it may be sent to a thread. */
export type IndexerTask = {
  storeUrl: string;
  locksFolder: string;
  paths: readonly string[];
  /** The data folder whose sources file is followed too; undefined for the demo and a replay. */
  sourcesFolder?: string;
  /** The bus whose events go into the store; undefined for a replay. */
  busUrl?: string;
  /** Request patterns in text form. */
  signIn: readonly string[];
  signOut: readonly string[];
  trustedProxies: readonly string[];
  cloudFrontFields: readonly string[];
  /** Time zone of log times without a zone. */
  timezone: string;
  /** Rules of the units of durations. */
  durationUnits: readonly string[];
  /** What happens to events before they are stored. Absent: nothing. */
  processing?: Processing;
  /** The data folder, in which processing keeps its state. */
  stateFolder?: string;
  /** Maximum age of rows that are not stored yet. */
  sealAfterMs: number;
  /** Replay this file as if it were live, instead of tailing the paths. */
  replay?: { path: string; speed: number };
};

export type IndexerOutput = {
  publisher: LivePublisher;
  /** Called with the events that were deleted by their dataset's retention. */
  onExpired(expired: readonly Expired[]): void;
};

/** Reads the sources into the store and publishes new events, until the signal aborts or a replay ends. */
export async function runIndexer(
  task: IndexerTask,
  { publisher, onExpired }: IndexerOutput,
  signal: AbortSignal,
): Promise<void> {
  let upkeep = Promise.resolve();
  await using stack = new AsyncDisposableStack();
  // Ends after the store is closed, because that ends a merge in progress.
  stack.defer(() => upkeep);
  const store = stack.use(
    await openStore({ url: task.storeUrl, clock, memoryLimitMb: STORE_MEMORY_MB }),
  );
  const zone = zoneOf(task.timezone);
  const { busUrl, replay, processing, stateFolder } = task;
  await using logs = replay
    ? replaySource({ ...replay, clock, zone })
    : await openLogs(task, clock, signal);
  await using bus = busUrl === undefined ? undefined : openBus({ url: busUrl });
  const failures = new IndexerFailures({ store, bus });
  const ingest = new Ingest({
    store,
    clock,
    rules: deriveRules(task),
    zone,
    unitOf: durationRules(task.durationUnits),
    processing,
    ...(stateFolder !== undefined &&
      openProcessingState({ dataFolder: stateFolder, processing, clock })),
    sealAfterMs: task.sealAfterMs,
    foldEveryMs: FOLD_EVERY_MS,
    onFrames: (deltas) => publisher.frames(deltas),
    onRows: (batch, from, to) => publisher.rows(batch, from, to),
    onSealed: (sealed) => {
      failures.stored();
      publisher.sealed(sealed);
    },
    onStoreError: (error) => failures.storeFailed(error),
  });
  const publishStatus = async (): Promise<void> => {
    const failed = await failures.status();
    const { lines, quarantined, droppedByRule: dropped } = ingest.counts;
    const logsRead = { sources: ingest.statusWith(logs.status()), activities: ingest.activities() };
    const lastLines = [...publisher.watchedSources()].flatMap((source) => {
      const line = ingest.lastLineOf(source);
      return line ? [{ ...line, source }] : [];
    });
    const counts = { lines, quarantined, dropped, redacted: ingest.redacted() };
    publisher.status({ ...counts, ...logsRead, lastLines, ...failed });
  };
  await publishStatus();
  const status = setInterval(() => void publishStatus(), STATUS_EVERY_MS);
  const ended = new AbortController();
  upkeep = keepUp({ store, clock, bus, onExpired }, AbortSignal.any([signal, ended.signal]));
  try {
    await ingest.run(bus ? joinSources([logs, bus]) : logs, signal);
  } finally {
    clearInterval(status);
    // Publish the final counts of a replay.
    await publishStatus();
    ended.abort();
  }
}
