import path from "node:path";

import { Predictions } from "#forecaster/predictions.ts";
import { forecastsUrlOf, openForecastStore } from "#forecaster/store/open-forecast-store.ts";
import { busUrlIn } from "#pipeline/bus/open-bus.ts";
import type { Filter } from "#pipeline/filter.ts";
import { forAsker } from "#pipeline/for-asker.ts";
import type { IndexerStatus } from "#pipeline/live-link/messages.ts";
import { LiveSubscriber, type TailListener } from "#pipeline/live-link/subscriber.ts";
import type { LiveWindow } from "#pipeline/live/live-window.ts";
import { warmLiveWindow } from "#pipeline/live/warm-live-window.ts";
import { openStore, storeUrlIn } from "#pipeline/store/open-store.ts";
import type {
  EventReader,
  EventStore,
  MetricReader,
  RollupReader,
  StoreMaintenance,
} from "#pipeline/store/port.ts";
import { systemClock as clock } from "#platform/clock.ts";
import type { Log } from "#platform/log.ts";

import type { DataFolder } from "./data-folder.ts";
import type { ApiAddresses } from "./demo/apis/client.ts";
import { type Demo, startDemo } from "./demo/demo.ts";
import type { Forecaster } from "./forecaster/forecast-thread.ts";
import { HistoryNotifier } from "./history-notifier.ts";
import type { Indexing } from "./indexer/indexing.ts";
import { logExpired } from "./indexer/log-expired.ts";
import type { WhatToIndex } from "./indexer/task.ts";

/** The data behind the boards: real logs, the demo, or a replay of an old log. Each has its own store. */
export type WorkspaceKind =
  | { kind: "logs"; paths: string[] }
  | { kind: "demo" }
  | { kind: "replay"; path: string; speed: number };

export type WorkspaceStatus = IndexerStatus & {
  /** Number of connected indexers. */
  indexers: number;
  /** The reason why the indexer of this process failed, until it has run for some seconds again. */
  indexerFailure: string | null;
};

export type Workspace = {
  kind: WorkspaceKind["kind"];
  storeUrl: string;
  store: EventReader & RollupReader & Pick<StoreMaintenance, "status">;
  readonly live: LiveWindow;
  predictions: Predictions;
  status(): WorkspaceStatus;
  /** Whether there are live numbers: an indexer of another process may be missing. */
  hasIndexer(): boolean;
  /** Passes new matching events to the listener until the returned function is called. */
  tail(filter: Filter, listener: TailListener): () => void;
  /** Changes the sources whose last lines are in the status. */
  watchSources(sources: readonly string[]): void;
  /** Lets the customers of the demo use the domain APIs. */
  useApis(apis: ApiAddresses): void;
  stop(): Promise<void>;
  /** Stops and deletes the store. */
  destroy(): Promise<void>;
};

/** The part of a workspace that routes use. */
export type WorkspaceView = Pick<Workspace, "kind" | "store" | "live" | "predictions" | "status">;

export type WorkspaceDeps = {
  /** Boards must be loaded again, because history or the very first events were stored. */
  onHistoryChanged(): void;
  /** The live window has new events. */
  onFrames(): void;
  folder: DataFolder;
  log: Log;
  indexing: Indexing;
  forecaster: Forecaster;
};

const STORE_MEMORY_MB = 192;
/** An indexer that has run for this long after a failure counts as recovered. */
const INDEXER_STABLE_MS = 10_000;

export async function openWorkspace(deps: WorkspaceDeps, kind: WorkspaceKind): Promise<Workspace> {
  const { folder, log } = deps;
  const storeUrl = kind.kind === "logs" ? folder.storeUrl : storeUrlIn(folder[kind.kind]);
  const ending = new AbortController();
  const demo =
    kind.kind === "demo"
      ? await startDemo({ folder: folder.demo, clock, signal: ending.signal })
      : undefined;
  const store = await openWorkspaceStore(storeUrl, kind);
  const forecasts = openForecastStore(
    kind.kind === "replay" ? "memory:" : forecastsUrlOf(storeUrl, folder.root),
  );
  const paths = kind.kind === "logs" ? kind.paths : demoPaths(folder, demo);
  const history = forAsker(store, { signal: ending.signal });
  const what = { storeUrl, paths, ...extraOf(kind, folder) };
  const live = await startLive(deps, history, what);
  const end = async (close: () => PromiseLike<void>): Promise<void> => {
    ending.abort();
    await demo?.stop();
    await live.stop();
    await forecasts[Symbol.asyncDispose]();
    await close();
  };
  const runner = deps.forecaster;
  return {
    kind: kind.kind,
    storeUrl,
    store,
    get live() {
      return live.subscriber.live;
    },
    predictions: new Predictions({ events: store, forecasts, runner, clock, log }),
    status: live.status,
    hasIndexer: live.hasIndexer,
    tail: (filter, listener) => live.subscriber.tail(filter, listener),
    watchSources: (sources) => live.subscriber.watchSources(sources),
    useApis: (apis) => demo?.useApis(apis),
    stop: () => end(() => store[Symbol.asyncDispose]()),
    destroy: () => end(() => store.destroy()),
  };
}

type Live = Pick<Workspace, "status" | "hasIndexer" | "stop"> & { subscriber: LiveSubscriber };

/** Starts the indexer of the workspace, and follows it. */
async function startLive(
  { log, indexing, onHistoryChanged, onFrames }: WorkspaceDeps,
  store: MetricReader,
  what: WhatToIndex,
): Promise<Live> {
  const extents = await store.extents();
  const history = new HistoryNotifier(extents.length > 0, onHistoryChanged);
  const subscriber = await LiveSubscriber.open({
    clock,
    log,
    warmUp: (live) => warmLiveWindow(live, store, clock.nowMs()),
    onFrames,
    onSealed: (sealed) => history.sealed(sealed),
    onRenewed: onHistoryChanged,
  });
  let failure: string | null = null;
  let startedMs = clock.nowMs();
  const indexer = indexing.start(what, {
    attach(channel) {
      startedMs = clock.nowMs();
      subscriber.attach(channel);
    },
    onExpired: (expired) => logExpired(log, expired),
    onFailed(error) {
      // Each restart may fail for the same reason.
      if (failure !== error) log.error("the indexer stopped", { error });
      failure = error;
    },
  });
  const status = (): WorkspaceStatus => {
    const known = subscriber.status();
    const isStable = known.indexers > 0 && clock.nowMs() - startedMs > INDEXER_STABLE_MS;
    if (isStable) failure = null;
    return { ...known, indexerFailure: failure === null ? null : firstLine(failure) };
  };
  return {
    subscriber,
    status,
    hasIndexer: () => indexing.isOwn || subscriber.status().indexers > 0,
    async stop() {
      history.stop();
      await indexer.stop();
      await subscriber.settled();
    },
  };
}

/** The message of an error with a stack trace, without its type. */
const firstLine = (error: string): string =>
  (error.split("\n")[0] ?? "").replace(/^\w*Error: /, "");

/** A replay always starts with an empty store. */
async function openWorkspaceStore(url: string, { kind }: WorkspaceKind): Promise<EventStore> {
  const settings = { url, clock, memoryLimitMb: STORE_MEMORY_MB };
  if (kind === "replay") await (await openStore(settings)).destroy();
  return openStore(settings);
}

/** The demo has a bus of its own, because the records of a bus that are not stored yet would outlast it. */
function extraOf(kind: WorkspaceKind, { root, demo }: DataFolder): Partial<WhatToIndex> {
  if (kind.kind === "replay") return { replay: { path: kind.path, speed: kind.speed } };
  return kind.kind === "demo" ? { busUrl: busUrlIn(demo) } : { sourcesFolder: root };
}

/** The access logs of the shop's proxy and of the domain APIs behind it. */
const demoPaths = (folder: DataFolder, demo: Demo | undefined): string[] =>
  demo === undefined
    ? []
    : [...demo.logPaths, path.join(folder.demo, "logs", "api", "*.access.ndjson")];
