import type { IncomingMessage, Server as HttpServer } from "node:http";

import { Server, type Socket } from "socket.io";
import { z } from "zod";

import type { LiveFrame } from "#dashboards/api.ts";
import type { Filter } from "#pipeline/filter.ts";
import { parseQuery } from "#pipeline/query-language.ts";
import { AppError } from "#platform/errors.ts";
import type { Log } from "#platform/log.ts";

import type { Workspace } from "./workspace.ts";

const FRAME_EVERY_MS = 200;
const RECHECK_EVERY_MS = 15_000;
const MESSAGE_BYTES_MAX = 10_000;
const TAIL_EVENTS_PER_SECOND_MAX = 50;

export type SocketDeps = {
  http: HttpServer;
  workspace(): Workspace;
  /** Throws for a handshake that another site made a browser send. */
  checkOrigin(request: IncomingMessage): void;
  /** Reject when who sent the handshake may not watch boards, or follow raw events. Asked again while sockets live. */
  mayWatch(request: IncomingMessage): Promise<void>;
  mayFollow(request: IncomingMessage): Promise<void>;
  log: Log;
};

export type Sockets = {
  viewers(): number;
  framesSent(): number;
  /** The data behind the boards was exchanged: everybody loads anew. */
  tellChanged(): void;
  close(): Promise<void>;
};

const Watch = z.object({ dataset: z.string().max(200) });
const Tail = z.object({ q: z.string().max(4_000) });

/** Live boards: one frame is made for a dataset and sent to all who watch it, without asking the store. */
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
  const follows = new Map<Socket, Follow>();
  io.on("connection", (socket) => {
    onWatch(socket, deps);
    const follow = new Follow(socket, deps);
    follows.set(socket, follow);
    socket.on("disconnect", () => follows.delete(socket));
  });
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
    for (const [socket, follow] of follows) {
      void recheckSocket(socket, deps);
      void follow.recheck();
    }
  }, RECHECK_EVERY_MS);
  return {
    viewers: () => io.of("/").sockets.size,
    framesSent: () => sent,
    tellChanged: () => {
      for (const follow of follows.values()) follow.renew();
      io.emit("changed");
    },
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
    // What came in since the board was loaded: the next frames carry only what changes from here on.
    const { live, hasIndexer } = workspace();
    const frame = live.snapshot(dataset);
    socket.emit("frame", { ...frame, hasIndexer: hasIndexer() } satisfies LiveFrame);
  });
}

/** A refusal, unlike a database that does not answer: that one is no reason to turn the lights off. */
const isRefusal = (error: unknown): boolean =>
  error instanceof AppError && (error.code === "unauthenticated" || error.code === "forbidden");

async function recheckSocket(socket: Socket, { mayWatch, log }: SocketDeps): Promise<void> {
  try {
    await mayWatch(socket.request);
  } catch (error) {
    if (!isRefusal(error)) return;
    log.info("a socket is closed: its member may not watch any more", { error });
    socket.disconnect(true);
  }
}

/** One socket's tail of raw events, for as long as its member may follow them. */
class Follow {
  readonly #socket: Socket;
  readonly #deps: SocketDeps;
  #running: { of: Workspace; filter: Filter; stop: () => void } | undefined;
  #asks = 0;

  constructor(socket: Socket, deps: SocketDeps) {
    this.#socket = socket;
    this.#deps = deps;
    socket.on("tail", (message: unknown) => void this.#ask(message));
    socket.on("untail", () => this.#end());
    socket.on("disconnect", () => this.#end());
  }

  /** After the workspace was exchanged: goes on with the one that is there now. */
  renew(): void {
    const { of, filter, stop } = this.#running ?? {};
    if (!of || !filter || of === this.#deps.workspace()) return;
    stop?.();
    this.#start(filter);
  }

  async recheck(): Promise<void> {
    if (!this.#running) return;
    try {
      await this.#deps.mayFollow(this.#socket.request);
    } catch (error) {
      if (isRefusal(error)) this.#refuse(error);
    }
  }

  async #ask(message: unknown): Promise<void> {
    this.#end();
    const ask = this.#asks;
    const asked = Tail.safeParse(message);
    if (!asked.success) return;
    try {
      await this.#deps.mayFollow(this.#socket.request);
      // Another search or the end of the socket may have come while the grant was looked up.
      if (ask !== this.#asks || !this.#socket.connected) return;
      this.#start(parseQuery(asked.data.q));
    } catch (error) {
      this.#refuse(error);
    }
  }

  #start(filter: Filter): void {
    const of = this.#deps.workspace();
    this.#running = { of, filter, stop: of.tail(filter, limited(this.#socket)) };
  }

  #end(): void {
    this.#asks += 1;
    this.#running?.stop();
    this.#running = undefined;
  }

  #refuse(error: unknown): void {
    this.#end();
    const detail = error instanceof AppError ? error.message : "the search cannot be followed";
    this.#socket.emit("tail-refused", { detail });
  }
}

/** Hands on what a person can read, and counts the rest. */
function limited(socket: Socket): (events: unknown[], skipped: number) => void {
  let second = 0;
  let inSecond = 0;
  return (events, skipped) => {
    const now = Math.floor(performance.now() / 1000);
    if (now !== second) inSecond = 0;
    second = now;
    const room = Math.max(0, TAIL_EVENTS_PER_SECOND_MAX - inSecond);
    const shown = events.slice(-room);
    const kept = room === 0 ? [] : shown;
    inSecond += kept.length;
    socket.emit("tail", { events: kept, skipped: skipped + events.length - kept.length });
  };
}
