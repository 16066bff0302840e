import type { IncomingMessage, Server as HttpServer } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

import { Server } from "socket.io";

import { type LiveFrame, PROBLEMS_NAMESPACE } from "#dashboards/api.ts";
import { DEPLOYS_NAMESPACE } from "#dashboards/deploys/live-messages.ts";
import { SOURCES_NAMESPACE } from "#dashboards/sources/messages.ts";
import type { OpenProblem } from "#platform/problems.ts";

import {
  openDeploySockets,
  type DeploySockets,
  type DeploySocketsDeps,
} from "./deploys/pages/page-sockets.ts";
import { paced } from "./frame-pace.ts";
import { openProblemSockets } from "./problems/problem-sockets.ts";
import {
  openSourceSockets,
  type SourceSockets,
  type SourceSocketsDeps,
} from "./sources/source-sockets.ts";
import { type AdmissionDeps, openAdmission } from "./viewers/admission.ts";
import { Connections } from "./viewers/connections.ts";
import { MESSAGE_BYTES_MAX } from "./viewers/limits.ts";
import type { Connection } from "./viewers/outbox.ts";
import type { ViewerDeps } from "./viewers/viewer-deps.ts";
import { datasetOf, Viewer } from "./viewers/viewer.ts";

const RECHECK_EVERY_MS = 15_000;
/** How long a stop waits for requests in progress. */
const REQUESTS_MS_MAX = 1_000;

export type SocketDeps = ViewerDeps &
  AdmissionDeps & {
    http: HttpServer;
    sources: Omit<SourceSocketsDeps, "clock" | "waitingOf" | "maySeeLines">;
    deploys: Pick<DeploySocketsDeps, "deploys" | "callerOf">;
    problems(): readonly OpenProblem[];
  };

export type Sockets = {
  viewers(): number;
  framesSent(): number;
  /** Makes all viewers load their boards again, and moves tails to the current workspace. */
  notifyChanged(): void;
  /** Sends frames because there are new events, as soon as the pause after the last ones is over. */
  sendNewFrames(): void;
  /** Sends the present problems to all pages. */
  notifyProblems(): void;
  /** Closes the sockets of this session, because it has ended. */
  endSession(isOfSession: (request: IncomingMessage) => boolean): void;
  close(): Promise<void>;
};

/**
 * Live boards and tails. For each watched dataset one frame is built, without a query, and sent to all viewers; those
 * who read too slowly miss frames until they have caught up, and are disconnected if they do not.
 */
export function openSockets(deps: SocketDeps): Sockets {
  const connections = new Connections(deps.http, deps.clock);
  const { allowRequest, guardBoard } = openAdmission(deps, connections);
  const io = new Server(deps.http, {
    path: "/socket",
    serveClient: false,
    maxHttpBufferSize: MESSAGE_BYTES_MAX,
    allowRequest,
  });
  guardBoard(io);
  let sent = 0;
  const viewers = new Map<string, Viewer>();
  io.engine.on("connection", (connection: Connection) => connections.add(connection));
  io.on("connection", (socket) => {
    viewers.set(socket.id, new Viewer(socket, deps, connections.outboxOf(socket.conn)));
    socket.on("disconnect", () => viewers.delete(socket.id));
  });
  const problems = openProblemSockets(io.of(PROBLEMS_NAMESPACE), {
    ...deps,
    isDemo: () => deps.workspace().kind === "demo",
  });
  const others = [problems, openSources(io, deps, connections), openDeploys(io, deps, connections)];
  const sendFrame = (room: string, dataset: string, members: ReadonlySet<string>): void => {
    const { live, hasIndexer } = deps.workspace();
    const frame: LiveFrame = { ...live.frame(dataset), hasIndexer: hasIndexer() };
    const behind = [...members].filter((id) => viewers.get(id)?.handleIfBehind(frame));
    io.to(room).except(behind).emit("frame", frame);
    sent += 1;
  };
  const frames = paced(() => {
    connections.closeOverfull();
    disconnectStalled(io, viewers, deps);
    forEachWatched(io, sendFrame);
  });
  const recheck = (isMeant: (request: IncomingMessage) => boolean): void => {
    for (const viewer of viewers.values()) if (isMeant(viewer.request)) void viewer.recheck();
    for (const pages of others) pages.recheck(isMeant);
  };
  const rechecks = setInterval(() => recheck(() => true), RECHECK_EVERY_MS);
  return {
    viewers: () => io.of("/").sockets.size,
    framesSent: () => sent,
    notifyChanged: () => {
      for (const viewer of viewers.values()) viewer.renewTail();
      io.emit("changed");
      problems.sendDemo();
    },
    sendNewFrames: frames.request,
    notifyProblems: problems.send,
    endSession: recheck,
    close: async () => {
      frames[Symbol.dispose]();
      clearInterval(rechecks);
      // It also closes the HTTP server, and waits for requests in progress. Those that take longer end with the store.
      await Promise.race([io.close(), delay(REQUESTS_MS_MAX, undefined, { ref: false })]);
    },
  };
}

const openSources = (io: Server, deps: SocketDeps, connections: Connections): SourceSockets =>
  openSourceSockets(io.of(SOURCES_NAMESPACE), {
    ...deps.sources,
    clock: deps.clock,
    maySeeLines: deps.mayFollow,
    waitingOf: ({ conn }) => connections.outboxOf(conn).waiting,
  });

const openDeploys = (io: Server, deps: SocketDeps, connections: Connections): DeploySockets =>
  openDeploySockets(io.of(DEPLOYS_NAMESPACE), {
    ...deps,
    ...deps.deploys,
    isDemo: () => deps.workspace().kind === "demo",
    waitingOf: ({ conn }) => connections.outboxOf(conn).waiting,
  });

type Watched = (room: string, dataset: string, members: ReadonlySet<string>) => void;

function forEachWatched(io: Server, work: Watched): void {
  for (const [room, members] of io.of("/").adapter.rooms) {
    const dataset = datasetOf(room);
    if (dataset !== undefined) work(room, dataset, members);
  }
}

function disconnectStalled(
  io: Server,
  viewers: ReadonlyMap<string, Viewer>,
  { log }: SocketDeps,
): void {
  for (const [id, viewer] of viewers) {
    if (!viewer.isStalled()) continue;
    log.warn("a viewer was disconnected because it did not read the messages that were sent to it");
    // Without the messages that wait: its page connects again and loads the board.
    io.of("/").sockets.get(id)?.conn.close(true);
  }
}
