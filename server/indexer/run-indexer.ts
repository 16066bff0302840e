import { fileSource } from "#collectors/sources/files.ts";
import { replaySource } from "#collectors/sources/replay.ts";
import { zoneOf } from "#collectors/zone.ts";
import { openBus } from "#pipeline/bus/open-bus.ts";
import { Ingest } from "#pipeline/ingest/ingest.ts";
import { joinSources } from "#pipeline/ingest/join-sources.ts";
import { keepUp } from "#pipeline/ingest/upkeep.ts";
import type { LivePublisher } from "#pipeline/live-link/publisher.ts";
import { openStore } from "#pipeline/store/open-store.ts";
import { systemClock as clock } from "#platform/clock.ts";

import { deriveRules } from "../rules.ts";

const FOLD_EVERY_MS = 100;
const STATUS_EVERY_MS = 1_000;
const STORE_MEMORY_MB = 192;

/** What an indexer is started with; plain data, as it may be sent to a thread. */
export type IndexerTask = {
  storeUrl: string;
  locksFolder: string;
  paths: readonly string[];
  /** The bus, whose events belong to the store of the boards; a replay takes none. */
  busUrl?: string;
  /** Request patterns as text. */
  signIn: readonly string[];
  signOut: readonly string[];
  /** Name of the zone of times in logs that carry none. */
  timezone: string;
  /** How old rows may get before they are stored. */
  sealAfterMs: number;
  /** Play this one file as if it were now, instead of tailing the paths. */
  replay?: { path: string; speed: number };
};

/** Reads the sources into the store, and publishes what is new, until the signal or the end of a replay. */
export async function runIndexer(
  task: IndexerTask,
  publisher: LivePublisher,
  signal: AbortSignal,
): Promise<void> {
  await using store = await openStore({
    url: task.storeUrl,
    clock,
    memoryLimitMb: STORE_MEMORY_MB,
  });
  const zone = zoneOf(task.timezone);
  const { paths, locksFolder, busUrl, replay } = task;
  await using files = replay
    ? replaySource({ ...replay, clock, zone })
    : fileSource({ paths, follow: true, clock, locksFolder });
  await using bus = busUrl === undefined ? undefined : openBus({ url: busUrl });
  let storeError: string | null = null;
  const ingest = new Ingest({
    store,
    clock,
    rules: deriveRules(task),
    zone,
    sealAfterMs: task.sealAfterMs,
    foldEveryMs: FOLD_EVERY_MS,
    onFrames: (deltas) => publisher.frames(deltas),
    onRows: (batch, from, to) => publisher.rows(batch, from, to),
    onSealed: (sealed) => {
      storeError = null;
      publisher.sealed(sealed);
    },
    onStoreError: (error) => {
      storeError = error instanceof Error ? error.message : String(error);
    },
  });
  const publishStatus = (): void => {
    const { lines, quarantined } = ingest.counts;
    const sources = ingest.statusWith(files.status());
    publisher.status({ lines, quarantined, sources, storeError });
  };
  publishStatus();
  const status = setInterval(publishStatus, STATUS_EVERY_MS);
  const ended = new AbortController();
  const upkeep = keepUp({ store, clock, bus }, AbortSignal.any([signal, ended.signal]));
  try {
    await ingest.run(bus ? joinSources([files, bus]) : files, signal);
  } finally {
    clearInterval(status);
    // A replay that has ended is counted to its last line.
    publishStatus();
    ended.abort();
    await upkeep;
  }
}
