import { rm } from "node:fs/promises";
import path from "node:path";

import type { SourceStatus } from "#collectors/source.ts";
import { Predictions } from "#forecaster/predictions.ts";
import { busUrlOf } from "#pipeline/bus/open-bus.ts";
import type { Filter } from "#pipeline/filter.ts";
import { LiveWindow } from "#pipeline/live/live-window.ts";
import { openEmbeddedStore } from "#pipeline/store/embedded-store.ts";
import type { EventStore } from "#pipeline/store/port.ts";
import { systemClock as clock } from "#platform/clock.ts";
import type { Log } from "#platform/log.ts";

import type { ForecastWorker } from "./board/forecast-worker.ts";
import { openForecasts } from "./board/open-forecasts.ts";
import type { DataFolder } from "./data-folder.ts";
import type { ApiAddresses } from "./demo/apis/client.ts";
import { type Demo, startDemo } from "./demo/demo.ts";
import { startIndexer } from "./indexer/indexer.ts";
import type { FromIndexer, IndexerTask } from "./indexer/protocol.ts";
import { Past } from "./past.ts";
import type { IndexSettings } from "./settings.ts";
import { Tails, type TailListener } from "./tails.ts";
import { warmLiveWindow } from "./warm-live-window.ts";

/** What the boards show: real logs, the demo, or an old log played as if it were now. Each has a store of its own. */
export type WorkspaceKind =
  | { kind: "logs"; paths: string[] }
  | { kind: "demo" }
  | { kind: "replay"; path: string; speed: number };

type IndexerStatus = {
  lines: number;
  quarantined: number;
  sources: SourceStatus[];
  storeError: string | null;
};

export type Workspace = {
  kind: WorkspaceKind["kind"];
  storeFolder: string;
  store: EventStore;
  live: LiveWindow;
  predictions: Predictions;
  status(): IndexerStatus;
  /** Hands matching events to the listener as they come in, until the returned function is called. */
  tail(filter: Filter, listener: TailListener): () => void;
  /** The domain APIs are there: the demo's customers use them. */
  useApis(apis: ApiAddresses): void;
  stop(): Promise<void>;
};

export type WorkspaceDeps = {
  /** The past changed under the boards: a history is being read, or there is data for the first time. */
  onPastChanged(): void;
  settings: IndexSettings;
  folder: DataFolder;
  log: Log;
  forecasts: ForecastWorker;
};

const STORE_MEMORY_MB = 192;

export async function openWorkspace(deps: WorkspaceDeps, kind: WorkspaceKind): Promise<Workspace> {
  const { folder, log, forecasts: runner } = deps;
  const storeFolder = storeFolderOf(folder, kind);
  if (kind.kind === "replay") await rm(storeFolder, { recursive: true, force: true });
  const ending = new AbortController();
  const demo =
    kind.kind === "demo"
      ? await startDemo({ folder: folder.demo, clock, signal: ending.signal })
      : undefined;
  const store = await openEmbeddedStore({
    folder: storeFolder,
    clock,
    memoryLimitMb: STORE_MEMORY_MB,
  });
  const forecasts = openForecasts(storeFolder, kind.kind);
  const extents = await store.extents();
  const live = new LiveWindow(clock);
  await warmLiveWindow(live, store, clock.nowMs());
  const tails = new Tails();
  const past = new Past(extents.length > 0, deps.onPastChanged);
  let status: IndexerStatus = { lines: 0, quarantined: 0, sources: [], storeError: null };
  const listen = (message: FromIndexer): void => {
    if (message.type === "frames") for (const delta of message.deltas) live.merge(delta);
    else if (message.type === "sealed") past.sealed(message);
    else if (message.type === "tail") tails.deliver(message.id, message.events, message.skipped);
    else if (message.type === "status") {
      const { counts, sources, storeError } = message;
      if (storeError !== null && storeError !== status.storeError) {
        log.error("events cannot be stored; reading waits and nothing is lost", {
          error: storeError,
        });
      }
      status = { lines: counts.lines, quarantined: counts.quarantined, sources, storeError };
    } else if (message.type === "stopped" && message.error !== null) {
      status = { ...status, storeError: "the indexer stopped" };
      log.error("the indexer stopped", { error: message.error });
    }
  };
  const paths = kind.kind === "logs" ? kind.paths : demoPaths(folder, demo);
  const indexer = startIndexer(taskOf(deps, { storeFolder, kind, paths }), listen);
  tails.indexer = indexer;
  return {
    kind: kind.kind,
    storeFolder,
    store,
    live,
    predictions: new Predictions({ events: store, forecasts, runner, clock, log }),
    status: () => status,
    tail: (filter, listener) => tails.add(filter, listener),
    useApis: (apis) => demo?.useApis(apis),
    stop: async () => {
      ending.abort();
      past.stop();
      await demo?.stop();
      await indexer.stop();
      await forecasts[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}

/** What the shop's proxy logs, and what the domain APIs behind it do; their own logs tell more than a board counts. */
const demoPaths = (folder: DataFolder, demo: Demo | undefined): string[] =>
  demo === undefined
    ? []
    : [...demo.logPaths, path.join(folder.root, "logs", "api", "*.access.ndjson")];

function taskOf(
  { settings, folder }: WorkspaceDeps,
  { storeFolder, kind, paths }: { storeFolder: string; kind: WorkspaceKind; paths: string[] },
): IndexerTask {
  return {
    storeFolder,
    locksFolder: folder.locks,
    paths,
    signIn: settings.signIn,
    signOut: settings.signOut,
    timezone: settings.timezone,
    ...(kind.kind === "replay"
      ? { replay: { path: kind.path, speed: kind.speed } }
      : { busUrl: busUrlOf(folder.root) }),
  };
}

function storeFolderOf(folder: DataFolder, { kind }: WorkspaceKind): string {
  if (kind === "logs") return folder.store;
  return path.join(kind === "demo" ? folder.demo : folder.replay, "store");
}
