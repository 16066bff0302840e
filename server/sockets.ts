import type { IncomingMessage, Server as HttpServer } from "node:http";

import { Server, type Socket } from "socket.io";
import { z } from "zod";

import { type LiveFrame, PROBLEMS_NAMESPACE } from "#dashboards/api.ts";
import type { Filter } from "#pipeline/filter.ts";
import { parseQuery } from "#pipeline/query-language.ts";
import { AppError } from "#platform/errors.ts";
import type { Log } from "#platform/log.ts";
import type { OpenProblem } from "#platform/problems.ts";

import { isRefusal, openProblemSockets } from "./problems/problem-sockets.ts";
import type { Workspace } from "./workspace.ts";

const FRAME_EVERY_MS = 200;
const RECHECK_EVERY_MS = 15_000;
const MESSAGE_BYTES_MAX = 10_000;
const TAIL_EVENTS_PER_SECOND_MAX = 50;

export type SocketDeps = {
  http: HttpServer;
  workspace(): Workspace;
  /** Throws when the socket was opened by a page of another origin. */
  checkOrigin(request: IncomingMessage): void;
  /** Rejects unless the member may watch boards, or follow raw events. Called again while the socket is open. */
  mayWatch(request: IncomingMessage): Promise<void>;
  mayFollow(request: IncomingMessage): Promise<void>;
  problems(): readonly OpenProblem[];
  log: Log;
};

export type Sockets = {
  viewers(): number;
  framesSent(): number;
  /** Makes all viewers load their boards again, and moves tails to the current workspace. */
  notifyChanged(): void;
  /** Sends the present problems to all pages. */
  notifyProblems(): void;
  close(): Promise<void>;
};

const Watch = z.object({ dataset: z.string().max(200) });
const Tail = z.object({ q: z.string().max(4_000) });

/** Live boards and tails. For each watched dataset one frame is built, without a query, and sent to all viewers. */
export function openSockets(deps: SocketDeps): Sockets {
  const io = new Server(deps.http, {
    path: "/socket",
    serveClient: false,
    maxHttpBufferSize: MESSAGE_BYTES_MAX,
    allowRequest: (request, decide) => {
      admit(deps, request).then(
        () => decide(null, true),
        () => decide(null, false),
      );
    },
  });
  let sent = 0;
  const tails = new Map<Socket, SocketTail>();
  io.on("connection", (socket) => {
    onWatch(socket, deps);
    tails.set(socket, new SocketTail(socket, deps));
    socket.on("disconnect", () => tails.delete(socket));
  });
  const problems = openProblemSockets(io.of(PROBLEMS_NAMESPACE), deps);
  const frames = setInterval(() => {
    const { live, hasIndexer } = deps.workspace();
    for (const room of io.of("/").adapter.rooms.keys()) {
      if (!room.startsWith(ROOM)) continue;
      const frame = live.frame(room.slice(ROOM.length));
      io.to(room).emit("frame", { ...frame, hasIndexer: hasIndexer() } satisfies LiveFrame);
      sent += 1;
    }
  }, FRAME_EVERY_MS);
  const recheck = setInterval(() => {
    for (const [socket, tail] of tails) {
      void recheckSocket(socket, deps);
      void tail.recheck();
    }
    problems.recheck();
  }, RECHECK_EVERY_MS);
  return {
    viewers: () => io.of("/").sockets.size,
    framesSent: () => sent,
    notifyChanged: () => {
      for (const tail of tails.values()) tail.renew();
      io.emit("changed");
    },
    notifyProblems: problems.send,
    close: async () => {
      clearInterval(frames);
      clearInterval(recheck);
      await io.close();
    },
  };
}

async function admit(deps: SocketDeps, request: IncomingMessage): Promise<void> {
  deps.checkOrigin(request);
  await deps.mayWatch(request);
}

const ROOM = "live:";

function onWatch(socket: Socket, { workspace }: SocketDeps): void {
  socket.on("watch", async (message: unknown) => {
    const watch = Watch.safeParse(message);
    if (!watch.success) return;
    for (const room of socket.rooms) if (room.startsWith(ROOM)) await socket.leave(room);
    const { dataset } = watch.data;
    await socket.join(`${ROOM}${dataset}`);
    // The changes since the board was loaded; later frames contain only subsequent changes.
    const { live, hasIndexer } = workspace();
    const frame = live.snapshot(dataset);
    socket.emit("frame", { ...frame, hasIndexer: hasIndexer() } satisfies LiveFrame);
  });
}

async function recheckSocket(socket: Socket, { mayWatch, log }: SocketDeps): Promise<void> {
  try {
    await mayWatch(socket.request);
  } catch (error) {
    if (!isRefusal(error)) return;
    log.info("a socket was closed because its member has lost the permission", { error });
    socket.disconnect(true);
  }
}

/** The tail of raw events of one socket, while its member has the permission. */
class SocketTail {
  readonly #socket: Socket;
  readonly #deps: SocketDeps;
  #running: { workspace: Workspace; filter: Filter; stop: () => void } | undefined;
  /** Number of requests and stops, by which a request detects that it was superseded. */
  #changes = 0;

  constructor(socket: Socket, deps: SocketDeps) {
    this.#socket = socket;
    this.#deps = deps;
    socket.on("tail", (message: unknown) => void this.#request(message));
    socket.on("untail", () => this.#end());
    socket.on("disconnect", () => this.#end());
  }

  /** Continues in the current workspace after a replacement. */
  renew(): void {
    const running = this.#running;
    if (!running || running.workspace === this.#deps.workspace()) return;
    running.stop();
    this.#start(running.filter);
  }

  async recheck(): Promise<void> {
    if (!this.#running) return;
    try {
      await this.#deps.mayFollow(this.#socket.request);
    } catch (error) {
      if (isRefusal(error)) this.#refuse(error);
    }
  }

  async #request(message: unknown): Promise<void> {
    this.#end();
    const change = this.#changes;
    const request = Tail.safeParse(message);
    if (!request.success) return;
    try {
      await this.#deps.mayFollow(this.#socket.request);
      if (change !== this.#changes || !this.#socket.connected) return;
      this.#start(parseQuery(request.data.q));
    } catch (error) {
      this.#refuse(error);
    }
  }

  #start(filter: Filter): void {
    const workspace = this.#deps.workspace();
    const stop = workspace.tail(filter, tailSender(this.#socket));
    this.#running = { workspace, filter, stop };
  }

  #end(): void {
    this.#changes += 1;
    this.#running?.stop();
    this.#running = undefined;
  }

  #refuse(error: unknown): void {
    this.#end();
    const detail = error instanceof AppError ? error.message : "the search cannot be followed";
    this.#socket.emit("tail-refused", { detail });
  }
}

/** Sends as many events per second as a person can read, and the number of the skipped ones. */
function tailSender(socket: Socket): (events: unknown[], skipped: number) => void {
  let second = 0;
  let inSecond = 0;
  return (events, skipped) => {
    const now = Math.floor(performance.now() / 1000);
    if (now !== second) inSecond = 0;
    second = now;
    const free = Math.max(0, TAIL_EVENTS_PER_SECOND_MAX - inSecond);
    const sent = free === 0 ? [] : events.slice(-free);
    inSecond += sent.length;
    socket.emit("tail", { events: sent, skipped: skipped + events.length - sent.length });
  };
}
