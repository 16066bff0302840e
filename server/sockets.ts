import type { IncomingMessage, Server as HttpServer } from "node:http";

import { Server, type Socket } from "socket.io";
import { z } from "zod";

import type { LiveFrame } from "#dashboards/api.ts";
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
  io.on("connection", (socket) => {
    onWatch(socket, deps);
    onTail(socket, deps);
  });
  const frames = setInterval(() => {
    const { live } = deps.workspace();
    for (const room of io.of("/").adapter.rooms.keys()) {
      if (!room.startsWith(ROOM)) continue;
      const frame = live.frame(room.slice(ROOM.length));
      if (!frame) continue;
      io.to(room).emit("frame", frame);
      sent += 1;
    }
  }, FRAME_EVERY_MS);
  const recheck = setInterval(() => {
    for (const socket of io.of("/").sockets.values()) {
      deps.mayWatch(socket.request).catch((error: unknown) => {
        deps.log.info("a socket is closed: its member may not watch any more", { error });
        socket.disconnect(true);
      });
    }
  }, RECHECK_EVERY_MS);
  return {
    viewers: () => io.of("/").sockets.size,
    framesSent: () => sent,
    tellChanged: () => io.emit("changed"),
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
    const frame: LiveFrame | undefined = workspace().live.snapshot(dataset);
    if (frame) socket.emit("frame", frame);
  });
}

function onTail(socket: Socket, { workspace, mayFollow }: SocketDeps): void {
  let stop: (() => void) | undefined;
  let asks = 0;
  socket.on("tail", async (message: unknown) => {
    stop?.();
    asks += 1;
    const ask = asks;
    const asked = Tail.safeParse(message);
    if (!asked.success) return;
    try {
      await mayFollow(socket.request);
      // Another search or the end of the socket may have come while the grant was looked up.
      if (ask !== asks || !socket.connected) return;
      stop = workspace().tail(parseQuery(asked.data.q), limited(socket));
    } catch (error) {
      const detail = error instanceof AppError ? error.message : "the search cannot be followed";
      socket.emit("tail-refused", { detail });
    }
  });
  socket.on("untail", () => {
    asks += 1;
    stop?.();
  });
  socket.on("disconnect", () => stop?.());
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
