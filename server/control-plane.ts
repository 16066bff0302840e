import type { Server } from "node:http";

import { accessMigrations } from "#access/migrations.ts";
import { hostOf, listen } from "#platform/listen.ts";
import { openLog, type Log } from "#platform/log.ts";
import type { Database } from "#platform/postgres/database.ts";
import { migrate } from "#platform/postgres/migrate.ts";
import { openPostgres } from "#platform/postgres/open.ts";
import type { Terminal } from "#platform/terminal.ts";

import { openAccessLog } from "./access-log.ts";
import { type Apis, type ApisSettings, startApis } from "./apis/start-apis.ts";
import { startForecastWorker } from "./board/forecast-worker.ts";
import { publishRunning, removeRunning, takeFolder, type DataFolder } from "./data-folder.ts";
import { ApiAddresses } from "./demo/apis/client.ts";
import { openPages } from "./pages.ts";
import { type ListeningServer, openControlPlaneServer, serveHttp } from "./serve-http.ts";
import type { ControlSettings, IndexSettings } from "./settings.ts";
import type { WorkspaceKind } from "./workspace.ts";
import { openWorkspaces, type Workspaces } from "./workspaces.ts";

export type ControlPlane = {
  url: string;
  /** The domain APIs beside it, if they are to run; it works without them. */
  apis: Promise<Apis> | undefined;
  /** Aborts when another control plane has taken over the data folder, because this one was suspended. */
  lost: AbortSignal;
  stop(): Promise<void>;
};

export type ControlPlaneOptions = {
  settings: ApisSettings & { control: ControlSettings; index: IndexSettings };
  folder: DataFolder;
  terminal: Terminal;
  workspace: WorkspaceKind;
  /** Whether the five domain APIs are started beside it. */
  apis: boolean;
};

/** Starts every role in this process, and resolves when the boards can be opened. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { settings, folder, terminal } = options;
  const { control } = settings;
  await using started = new AsyncDisposableStack();
  const lease = await takeFolder(folder, (message) => terminal.line(message));
  started.use(lease);
  const log = openLog({ file: folder.logFile, level: control.logLevel });
  started.defer(() => log.close());
  const databaseOpens = openDatabase(control, log);
  // It is awaited further down; until then a failure must not count as unhandled.
  databaseOpens.catch(() => undefined);
  const http = await listenHttp(options, started);
  const { url } = http;
  const pagesOpen = openPages({ host: control.host, port: http.port });
  pagesOpen.catch(() => undefined);
  const database = await databaseOpens;
  started.defer(() => database.close());
  const workspaces = await openData(options, log, started);
  const pages = await pagesOpen;
  started.defer(() => pages.close());
  const { sockets, setup } = serveHttp(
    { settings: control, log, http, database, workspaces, pages },
    started,
  );
  const publish = (): void => {
    if (lease.lost.aborted) return;
    publishRunning(folder, { token: lease.token, url, store: workspaces.current().storeUrl });
  };
  workspaces.onChange(() => {
    publish();
    sockets.tellChanged();
  });
  publish();
  started.defer(() => {
    if (!lease.lost.aborted) removeRunning(folder);
  });
  log.info("the control plane is up", { "url.full": url });
  const link = await setup.createLink();
  terminal.line(`Quarterdeck is at ${url}`);
  if (link) {
    terminal.line(`Make the first owner (once, within a day): ${url}/setup?token=${link}`);
  }
  const ending = new AbortController();
  const apis = options.apis ? openApis(options, log, ending.signal) : undefined;
  const useApis = ({ urls, rootKey }: Apis): void =>
    workspaces.current().useApis(ApiAddresses.parse({ urls, rootKey }));
  // What cannot start has been said already.
  apis?.then(async (it) => it.ready.then(() => useApis(it))).catch(() => undefined);
  started.defer(async () => {
    await apis?.then(
      (running) => running.stop(),
      () => undefined,
    );
  });
  const resources = started.move();
  const stop = (): Promise<void> => {
    ending.abort();
    return resources.disposeAsync();
  };
  return { url, apis, lost: lease.lost, stop };
}

/** Listens, so that requests are answered while everything else starts. */
async function listenHttp(
  { settings, folder, terminal }: ControlPlaneOptions,
  started: AsyncDisposableStack,
): Promise<ListeningServer> {
  const { control } = settings;
  const accessLog = openAccessLog(folder.accessLogFile);
  started.defer(() => accessLog.close());
  const http = openControlPlaneServer();
  const port = await listen(http.server, { ...control, ifTaken: "next" });
  started.defer(() => closeServer(http.server));
  if (port !== control.port && control.port !== 0) {
    terminal.line(`Port ${control.port} is taken: using ${port}.`);
  }
  const url = `http://${hostOf(control.host)}:${port}`;
  return { ...http, port, url, writeAccessLine: accessLog.write };
}

/** Nothing waits for them, and nothing breaks when they cannot start; what is ended while it starts has not failed. */
function openApis(
  { settings, terminal }: ControlPlaneOptions,
  log: Log,
  ending: AbortSignal,
): Promise<Apis> {
  const say = (line: string): void => {
    if (!ending.aborted) terminal.line(line);
  };
  const opening = startApis(settings, say);
  opening
    .then(async ({ urls, ready }) => {
      await ready;
      const list = Object.entries(urls).map(([name, url]) => `${name} ${url}`);
      say(`The domain APIs: ${list.join(", ")}`);
      return undefined;
    })
    .catch((error: unknown) => {
      if (ending.aborted) return;
      log.error("the domain APIs cannot start", { error });
      const why = error instanceof Error ? error.message : String(error);
      say(`The domain APIs cannot start: ${why}`);
    });
  return opening;
}

async function openDatabase(settings: ControlSettings, log: Log): Promise<Database> {
  const database = await openPostgres({ ...settings, log });
  try {
    await migrate(database, [accessMigrations]);
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

async function openData(
  { settings, folder, workspace }: ControlPlaneOptions,
  log: Log,
  started: AsyncDisposableStack,
): Promise<Workspaces> {
  const forecasts = startForecastWorker();
  started.defer(() => forecasts.stop());
  const workspaces = await openWorkspaces(
    { settings: settings.index, folder, log, forecasts },
    workspace,
  );
  started.defer(() => workspaces.stop());
  return workspaces;
}

async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
