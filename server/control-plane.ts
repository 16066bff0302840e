import type { Server } from "node:http";

import { installationOf } from "#access/access.ts";
import { accessMigrations } from "#access/migrations.ts";
import { type FollowedSources, followSourcesFile } from "#collectors/configured/follow-sources.ts";
import { systemClock as clock } from "#platform/clock.ts";
import type { Lease } from "#platform/lease/lease.ts";
import { hostOf, listen } from "#platform/listen.ts";
import { openLog, type Log } from "#platform/log.ts";
import type { Database } from "#platform/postgres/database.ts";
import { migrate } from "#platform/postgres/migrate.ts";
import { openPostgres } from "#platform/postgres/open.ts";
import { holdersOf } from "#receivers/activity/holder-files.ts";

import { openAccessLog } from "./access-log.ts";
import type { Apis } from "./apis/start-apis.ts";
import type { Roles } from "./composition.ts";
import type { Running } from "./current-store.ts";
import { type DataFolder, publishRunning, removeRunning, takeFolder } from "./data-folder.ts";
import { ApiAddresses } from "./demo/apis/client.ts";
import { deploysProblemOf } from "./deploys/deploys-problem.ts";
import { type Deploys, followDeploys } from "./deploys/follow-deploys.ts";
import type { Forecaster } from "./forecaster/forecast-thread.ts";
import { type LastStart, trySaveLastStart } from "./last-start.ts";
import { openPages } from "./pages.ts";
import type { ReceiversState } from "./problems/receiver-problems.ts";
import { type ProblemWatch, watchProblems } from "./problems/watch-problems.ts";
import { type ListeningServer, openControlPlaneServer, serveHttp } from "./serve-http.ts";
import type { ControlSettings } from "./settings.ts";
import { sourceRowsOf } from "./sources/answer-sources.ts";
import { listenersOf } from "./sources/listeners.ts";
import { serveSourceRows } from "./sources/sources-channel.ts";
import type { WorkspaceKind } from "./workspace.ts";
import { openWorkspaces, type Workspaces } from "./workspaces.ts";

export type ControlPlane = {
  url: string;
  /** The port on which it listens: another one than configured if that is in use. */
  port: number;
  /** Link for creating the first owner; undefined if there is an owner. */
  setupUrl: string | undefined;
  /** Aborts when another control plane has taken over the data folder while this one was suspended. */
  lost: AbortSignal;
  /** The domain APIs, if they are to run; the control plane works without them. */
  apis: Promise<Apis> | undefined;
  stop(): Promise<void>;
};

export type ControlPlaneOptions = {
  settings: ControlSettings;
  folder: DataFolder;
  workspace: WorkspaceKind;
  roles: Roles;
  /** Saved for the next start, unless another control plane runs on the folder. */
  lastStart?: Partial<LastStart>;
  /** Receives messages for the terminal until the control plane is stopped. */
  notify(line: string): void;
};

/**
 * Starts the control plane, and resolves when the boards can be opened. PostgreSQL and the pages take long, so they
 * start first, while the port responds with 503.
 */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { settings, folder, roles } = options;
  await using started = new AsyncDisposableStack();
  const lease = await takeFolder(folder, options.notify);
  started.use(lease);
  const unsaved = trySaveLastStart(folder.root, options.lastStart ?? {});
  if (unsaved !== undefined) options.notify(unsaved);
  const log = openLog({ file: folder.logFile, level: settings.logLevel });
  started.defer(() => log.close());
  const onLost: { call?: () => void } = {};
  const databaseOpens = openDatabase(settings, log, () => onLost.call?.());
  // Awaited below; until then a failure must not count as an unhandled rejection.
  databaseOpens.catch(() => undefined);
  const http = await listenHttp(settings, folder, started);
  const { url, port } = http;
  const pagesOpen = openPages({ host: settings.host, port });
  pagesOpen.catch(() => undefined);
  const { database, installation } = await databaseOpens;
  started.defer(() => database.close());
  const { workspaces, forecaster, receivers, sourcesFile } = await openData(options, log, started);
  const apisState: RunningApis = { opening: undefined, apis: undefined, error: null };
  workspaces.onDemoOff(async () => (await apisState.opening)?.leaveDemo());
  const parts = { log, database, workspaces, forecaster, receivers, apisState };
  const { deploys, problems } = openProblems(options, parts, started);
  onLost.call = problems.examineNow;
  const pages = await pagesOpen;
  started.defer(() => pages.close());
  const opened = { settings, log, http, database, installation, workspaces, pages, sourcesFile };
  const serving = { ...opened, deploys, problems: problems.current };
  const { sockets, setup } = serveHttp(serving, started);
  const publish = publisher(lease, { folder, log }, () => ({
    token: lease.token,
    url,
    store: workspaces.current().storeUrl,
    hasIndexer: roles.indexing.isOwn,
  }));
  workspaces.onChange(() => {
    publish();
    sockets.notifyChanged();
  });
  workspaces.onFrames(sockets.sendNewFrames);
  problems.onChange = sockets.notifyProblems;
  problems.onHolesChange = sockets.notifyChanged;
  publish();
  started.defer(() => (lease.lost.aborted ? undefined : removeRunning(folder)));
  log.info("the control plane is up", { "url.full": url });
  const token = await setup.createLink();
  const setupUrl = token ? `${url}/setup?token=${token}` : undefined;
  const role = roles.startDeploys?.(options.notify);
  started.defer(() => role?.stop());
  const apis = openApis(options, { log, workspaces, deploys, state: apisState }, started);
  const resources = started.move();
  return { url, port, setupUrl, apis, lost: lease.lost, stop: () => resources.disposeAsync() };
}

/** Publishes this control plane to other commands, unless another one has taken over. */
function publisher(
  lease: Lease,
  { folder, log }: { folder: DataFolder; log: Log },
  running: () => Running,
): () => void {
  return () => {
    if (lease.lost.aborted) return;
    try {
      publishRunning(folder, running());
    } catch (error) {
      // Other commands need it only after the store has changed.
      log.error("the store in use cannot be published to other commands", { error });
    }
  };
}

/** The connection to the role that deploys, and the watch over the problems of all parts. */
function openProblems(
  { folder, roles }: ControlPlaneOptions,
  parts: Pick<OpenData, "workspaces" | "forecaster" | "receivers"> & {
    log: Log;
    database: Database;
    apisState: RunningApis;
  },
  started: AsyncDisposableStack,
): { deploys: Deploys; problems: ProblemWatch } {
  const { log, database, workspaces, forecaster, receivers, apisState } = parts;
  const deploys = followDeploys(folder.root);
  started.defer(() => deploys.stop());
  const problems = watchProblems({
    clock,
    log,
    database,
    workspace: workspaces.current,
    forecasterProblem: forecaster.problem,
    apis: () => ({ down: apisState.apis?.down() ?? [], error: apisState.error }),
    receivers,
    deploysProblem: deploysProblemOf(deploys, {
      dataFolder: folder.root,
      isOwn: roles.startDeploys !== undefined,
      clock,
    }),
  });
  started.use(problems);
  return { deploys, problems };
}

async function openDatabase(
  settings: ControlSettings,
  log: Log,
  onLost: () => void,
): Promise<{ database: Database; installation: string }> {
  const database = await openPostgres({ ...settings, log, onLost });
  try {
    await migrate(database, [accessMigrations]);
    return { database, installation: await installationOf(database) };
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** Listens first, so that requests get a response while everything else starts. */
async function listenHttp(
  settings: ControlSettings,
  folder: DataFolder,
  started: AsyncDisposableStack,
): Promise<ListeningServer> {
  const accessLog = openAccessLog(folder.accessLogFile);
  started.defer(() => accessLog.close());
  const http = openControlPlaneServer();
  const port = await listen(http.server, { ...settings, ifTaken: "next" });
  started.defer(() => closeServer(http.server));
  const url = `http://${hostOf(settings.host)}:${port}`;
  return { ...http, port, url, writeAccessLine: accessLog.write };
}

type OpenData = {
  workspaces: Workspaces;
  forecaster: Forecaster;
  receivers: () => ReceiversState;
  sourcesFile: FollowedSources;
};

async function openData(
  { folder, workspace, roles, notify }: ControlPlaneOptions,
  log: Log,
  started: AsyncDisposableStack,
): Promise<OpenData> {
  const receivers = roles.startReceivers?.(notify);
  started.defer(() => receivers?.stop());
  const forecaster = roles.startForecaster();
  started.defer(() => forecaster.stop());
  const { indexing } = roles;
  const workspaces = await openWorkspaces({ folder, log, indexing, forecaster }, workspace);
  started.defer(() => workspaces.stop());
  const following = new AbortController();
  started.defer(() => following.abort());
  const sourcesFile = await followSourcesFile(folder.root, () => undefined, following.signal);
  const listeners = (nowMs: number) => listenersOf(folder.root, nowMs);
  const sources = { workspace: workspaces.current, sourcesFile, listeners, clock };
  try {
    started.use(await serveSourceRows(folder.root, () => sourceRowsOf(sources)));
  } catch (error) {
    log.warn("quarterdeck sources cannot show the present state of the sources", { error });
  }
  const receiversState = (): ReceiversState => ({
    isOwn: receivers !== undefined,
    error: receivers?.problem() ?? null,
    holders: holdersOf(folder.root, clock.nowMs()),
  });
  return { workspaces, forecaster, receivers: receiversState, sourcesFile };
}

type RunningApis = {
  opening: Promise<Apis> | undefined;
  apis: Apis | undefined;
  error: string | null;
};

type ApisParts = { log: Log; workspaces: Workspaces; deploys: Deploys; state: RunningApis };

/** Starts the domain APIs. A failure is only reported, unless the control plane is stopping. */
function openApis(
  { roles, notify, workspace }: ControlPlaneOptions,
  { log, workspaces, deploys, state }: ApisParts,
  started: AsyncDisposableStack,
): Promise<Apis> | undefined {
  const stopping = new AbortController();
  const opening = roles.startApis?.(
    (line) => {
      if (!stopping.signal.aborted) notify(line);
    },
    { isDemo: workspace.kind === "demo", deploys },
  );
  if (!opening) return undefined;
  state.opening = opening;
  opening
    .then(async (apis) => {
      state.apis = apis;
      const { ready, urls, rootKey } = apis;
      await ready;
      workspaces.current().useApis(ApiAddresses.parse({ urls, rootKey }));
      return undefined;
    })
    .catch((error: unknown) => {
      if (stopping.signal.aborted) return;
      state.error = error instanceof Error ? error.message : String(error);
      log.error("the domain APIs cannot start", { error });
    });
  started.defer(async () => {
    stopping.abort();
    await opening.then(
      (apis) => apis.stop(),
      () => undefined,
    );
  });
  return opening;
}

async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
