import type { IncomingMessage } from "node:http";

import type { Namespace, Socket } from "socket.io";

import type { ProblemsMessage } from "#dashboards/api.ts";
import type { OpenProblem } from "#platform/problems.ts";

import { isRefusal } from "../viewers/viewer-deps.ts";
import { visibleProblems } from "./visible-problems.ts";

type Deps = {
  problems(): readonly OpenProblem[];
  isDemo(): boolean;
  /** Rejects unless the member may watch boards, or see raw events. Called again while the socket is open. */
  mayWatch(request: IncomingMessage): Promise<unknown>;
  mayFollow(request: IncomingMessage): Promise<unknown>;
};

/** Two rooms, so that a change is formatted twice and not for each page. */
const ROOMS = { detailed: true, summarised: false } as const;

export type ProblemSockets = {
  /** Sends the present problems. */
  send(): void;
  /** Sends whether the demo is on. */
  sendDemo(): void;
  /** Disconnects those of these sockets whose members have lost the permission. */
  recheck(isMeant: (request: IncomingMessage) => boolean): void;
};

/** Tells every page that is open the present problems and whether the demo is on, now and whenever they change. */
export function openProblemSockets(io: Namespace, deps: Deps): ProblemSockets {
  const messageFor = (maySeeRaw: boolean): ProblemsMessage =>
    visibleProblems(deps.problems(), maySeeRaw);

  async function admit(socket: Socket): Promise<void> {
    const maySeeRaw = await isAllowed(deps.mayFollow(socket.request));
    const [room, other] = maySeeRaw
      ? (["detailed", "summarised"] as const)
      : (["summarised", "detailed"] as const);
    if (socket.rooms.has(room)) return;
    await socket.leave(other);
    await socket.join(room);
    socket.emit("problems", messageFor(maySeeRaw));
  }

  async function recheck(socket: Socket): Promise<void> {
    try {
      await deps.mayWatch(socket.request);
      await admit(socket);
    } catch (error) {
      // The other sockets of the connection have checks of their own.
      if (isRefusal(error)) socket.disconnect();
    }
  }

  io.on("connection", (socket) => {
    socket.emit("demo", deps.isDemo());
    void recheck(socket);
  });
  return {
    send() {
      for (const [room, maySeeRaw] of Object.entries(ROOMS)) {
        io.to(room).emit("problems", messageFor(maySeeRaw));
      }
    },
    sendDemo() {
      io.emit("demo", deps.isDemo());
    },
    recheck(isMeant) {
      for (const socket of io.sockets.values()) if (isMeant(socket.request)) void recheck(socket);
    },
  };
}

/** False if the check refuses the right; rejects if the right is unknown. */
export const isAllowed = (check: Promise<unknown>): Promise<boolean> =>
  check.then(
    () => true,
    (error: unknown) => {
      if (isRefusal(error)) return false;
      throw error;
    },
  );
