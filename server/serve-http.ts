import type { IncomingMessage, RequestListener, Server } from "node:http";

import { createAccess } from "#access/access.ts";
import type { MemberAccess } from "#access/member-access.ts";
import type { GrantRule } from "#access/route.ts";
import type { Setup } from "#access/setup.ts";
import type { FollowedSources } from "#collectors/configured/follow-sources.ts";
import type { ShownProblem } from "#dashboards/api.ts";
import { systemClock as clock } from "#platform/clock.ts";
import { rejectMalformedRequests } from "#platform/http/malformed-request.ts";
import { checkOrigin, originRules } from "#platform/http/same-origin.ts";
import { createHttpServer } from "#platform/http/server.ts";
import { startingListener } from "#platform/http/starting.ts";
import type { Log } from "#platform/log.ts";
import { openFilesMax } from "#platform/open-files.ts";
import type { Database } from "#platform/postgres/database.ts";
import type { OpenProblem } from "#platform/problems.ts";

import { type ControlPlaneApi, createControlPlaneApi } from "./control-plane-api.ts";
import type { Deploys } from "./deploys/follow-deploys.ts";
import { pageHandler, sendText } from "./page-handler.ts";
import type { Pages } from "./pages.ts";
import { isAllowed } from "./problems/problem-sockets.ts";
import { visibleProblems } from "./problems/visible-problems.ts";
import { RELEASE } from "./release.ts";
import { WATCH_BOARD } from "./routes/board.ts";
import { FOLLOW_EVENTS } from "./routes/events.ts";
import { MANAGE_SOURCES, SEE_SOURCES } from "./routes/sources.ts";
import type { ControlSettings } from "./settings.ts";
import { openSockets, type Sockets } from "./sockets.ts";
import { listenersOf } from "./sources/listeners.ts";
import type { Workspaces } from "./workspaces.ts";

/** Of all files and sockets that the process may open. */
const CONNECTIONS_SHARE = 1 / 2;

type ControlPlaneServer = { server: Server; serve(listener: RequestListener): void };

/** The HTTP server of the control plane, which responds with 503 until it has a listener. */
export function openControlPlaneServer(): ControlPlaneServer {
  const server = createHttpServer();
  // Otherwise idle connections could use up the files that the store and the log files need.
  server.maxConnections = Math.floor(openFilesMax() * CONNECTIONS_SHARE);
  let listener: RequestListener = startingListener("Quarterdeck");
  server.on("request", (request, response) => listener(request, response));
  return {
    server,
    serve(next) {
      listener = next;
    },
  };
}

/** The server while it listens, with its URL and access log. */
export type ListeningServer = ControlPlaneServer & {
  port: number;
  url: string;
  writeAccessLine(line: string): void;
};

export type ServeDeps = {
  settings: ControlSettings;
  log: Log;
  http: ListeningServer;
  database: Database;
  /** Its id. */
  installation: string;
  workspaces: Workspaces;
  pages: Pages;
  problems(): readonly OpenProblem[];
  sourcesFile: FollowedSources;
  deploys: Deploys;
};

/** Serves the API, the sockets and the pages. */
export function serveHttp(
  deps: ServeDeps,
  started: AsyncDisposableStack,
): { sockets: Sockets; setup: Setup } {
  const { settings, log, database, installation, workspaces, pages, problems, sourcesFile } = deps;
  const { server, url, writeAccessLine } = deps.http;
  const access = createAccess({
    database,
    clock,
    limits: settings,
    installation,
    onSessionEnded: (token) =>
      sockets.endSession(({ headers }) => access.cookie.tokenIn(headers.cookie) === token),
  });
  const workspace = workspaces.current;
  const listeners = (nowMs: number) => listenersOf(settings.dataFolder, nowMs);
  const common = { workspace, sourcesFile, listeners, clock, log, problems };
  const origins = originRules(settings);
  const may = (rule: GrantRule) => (request: IncomingMessage) =>
    api.control.checkSocket(request, rule);
  const sockets = openSockets({
    ...common,
    http: server,
    checkOrigin: (request) =>
      checkOrigin({ method: "GET", headers: request.headers }, origins, { socket: true }),
    mayWatch: may(WATCH_BOARD),
    isMember: async (request) => (await api.control.socketCaller(request)).id,
    mayFollow: may(FOLLOW_EVENTS),
    sources: { ...common, maySee: may(SEE_SOURCES), mayManage: may(MANAGE_SOURCES) },
    deploys: { deploys: deps.deploys, callerOf: (request) => api.control.socketCaller(request) },
  });
  started.defer(() => sockets.close());
  const stopping = new AbortController();
  started.defer(() => stopping.abort());
  const api = createControlPlaneApi({
    ...common,
    settings,
    release: RELEASE,
    access,
    database,
    deploys: deps.deploys,
    url,
    viewers: sockets.viewers,
    framesSent: sockets.framesSent,
    turnDemoOff: workspaces.turnDemoOff,
    writeLine: writeAccessLine,
    stopping: stopping.signal,
  });
  const servePage = pageHandler({
    pages,
    origins,
    log,
    isMember: async ({ headers }) => (await access.sessionOf(headers.cookie)) !== undefined,
    isSetupOpen: () => access.setup.isOpen(),
    problemsFor: (request) => problemsFor(request, api.control, problems()),
  });
  rejectMalformedRequests(server, { headers: {}, log });
  deps.http.serve(dispatcher(api, servePage));
  return { sockets, setup: access.setup };
}

async function problemsFor(
  request: IncomingMessage,
  control: MemberAccess,
  open: readonly OpenProblem[],
): Promise<ShownProblem[]> {
  if (open.length === 0) return [];
  if (!(await isAllowed(control.checkSocket(request, WATCH_BOARD)))) return [];
  const maySeeRaw = await isAllowed(control.checkSocket(request, FOLLOW_EVENTS));
  return visibleProblems(open, maySeeRaw);
}

/** Requests for routes, and for anything under /api, go to the API; others are for pages. */
function dispatcher({ routes, listener }: ControlPlaneApi, servePage: RequestListener) {
  const paths = new Set(routes.map(({ path }) => path));
  return ((request, response) => {
    const { url = "/" } = request;
    // An absolute URL would bypass the check of the Host header; `*` has no path.
    if (!url.startsWith("/")) {
      sendText(response, 400, "The request target must be a path that starts with /.");
      return;
    }
    const { pathname } = new URL(`http://localhost${url}`);
    const isApi = pathname.startsWith("/api/") || paths.has(pathname);
    if (isApi) listener(request, response);
    else servePage(request, response);
  }) satisfies RequestListener;
}
