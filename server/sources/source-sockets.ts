import type { IncomingMessage } from "node:http";

import type { Namespace, Socket } from "socket.io";

import { SourcesView } from "#dashboards/sources/messages.ts";

import { isAllowed } from "../problems/problem-sockets.ts";
import { isRefusal } from "../viewers/viewer-deps.ts";
import type { Workspace } from "../workspace.ts";
import { observeSources, type SourcesDeps } from "./answer-sources.ts";
import type { Sight } from "./select-sources.ts";

const SEND_EVERY_MS = 1_000;
/** A connection with so many waiting characters gets no further state until it has read. */
const WAITING_MAX = 128 * 1024;

export type SourceSocketsDeps = Omit<SourcesDeps, "workspace"> & {
  workspace(): Pick<Workspace, "kind" | "status" | "watchSources">;
  /** Rejects unless the member may see sources. Called again while the socket is open. */
  maySee(request: IncomingMessage): Promise<unknown>;
  maySeeLines(request: IncomingMessage): Promise<unknown>;
  mayManage(request: IncomingMessage): Promise<unknown>;
  /** Number of characters that wait to be written to the socket. */
  waitingOf(socket: Socket): number;
};

/** A page, what it shows, and what its member may see. */
type Watcher = { socket: Socket; view: SourcesView; sight: Sight; room: string };

export type SourceSockets = {
  /** Disconnects those of these sockets whose members have lost the permission. */
  recheck(isMeant: (request: IncomingMessage) => boolean): void;
};

/**
 * Pushes the state of the sources to the pages that show them, once a second. Pages with the same view share an answer. The
 * indexers are told which sources are opened, so that they report the last lines of these.
 */
export function openSourceSockets(io: Namespace, deps: SourceSocketsDeps): SourceSockets {
  const watchers = new Map<string, Watcher>();
  let sending: NodeJS.Timeout | undefined;

  async function sightOf({ request }: Socket): Promise<Sight> {
    await deps.maySee(request);
    return {
      maySeeLines: await isAllowed(deps.maySeeLines(request)),
      mayManage: await isAllowed(deps.mayManage(request)),
    };
  }

  function watchLines(): void {
    const opened = [...watchers.values()].flatMap(({ view, sight }) =>
      sight.maySeeLines && view.source !== undefined ? [view.source] : [],
    );
    deps.workspace().watchSources([...new Set(opened)].toSorted());
  }

  async function show(socket: Socket, message: unknown): Promise<void> {
    const view = SourcesView.safeParse(message);
    if (!view.success) return;
    try {
      const sight = await sightOf(socket);
      if (!socket.connected) return;
      const room = JSON.stringify({ view: view.data, sight });
      watchers.set(socket.id, { socket, view: view.data, sight, room });
      sending ??= setInterval(send, SEND_EVERY_MS);
      watchLines();
      socket.emit("sources", observeSources(deps)(view.data, sight));
    } catch (error) {
      if (isRefusal(error)) socket.disconnect();
    }
  }

  function send(): void {
    // Sockets of another workspace begin without watched sources.
    watchLines();
    const answer = observeSources(deps);
    const byRoom = Map.groupBy(watchers.values(), ({ room }) => room);
    for (const same of byRoom.values()) {
      const ready = same.filter(({ socket }) => deps.waitingOf(socket) <= WAITING_MAX);
      const message = ready[0] && answer(ready[0].view, ready[0].sight);
      for (const { socket } of ready) socket.emit("sources", message);
    }
  }

  io.on("connection", (socket) => {
    socket.on("view", (message: unknown) => void show(socket, message));
    socket.on("disconnect", () => {
      watchers.delete(socket.id);
      watchLines();
      if (watchers.size > 0) return;
      clearInterval(sending);
      sending = undefined;
    });
  });
  return {
    recheck(isMeant) {
      for (const { socket, view } of watchers.values()) {
        if (isMeant(socket.request)) void show(socket, view);
      }
    },
  };
}
