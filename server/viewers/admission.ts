import type { IncomingMessage } from "node:http";

import type { Server } from "socket.io";

import type { Connections } from "./connections.ts";
import { isRefusal } from "./viewer-deps.ts";

export type AdmissionDeps = {
  /** Throws when the socket was opened by a page of another origin. */
  checkOrigin(request: IncomingMessage): void;
  /** Reject unless the member may watch boards, or is signed in; resolve to the id of the member. */
  mayWatch(request: IncomingMessage): Promise<string>;
  isMember(request: IncomingMessage): Promise<string>;
};

/**
 * Connections are for members. Only those who may watch boards may use the namespace of the board; the other namespaces check
 * what they show themselves.
 */
export function openAdmission(deps: AdmissionDeps, connections: Connections) {
  const watching = new WeakSet<IncomingMessage>();

  async function memberOf(request: IncomingMessage): Promise<string> {
    try {
      const member = await deps.mayWatch(request);
      watching.add(request);
      return member;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      return deps.isMember(request);
    }
  }

  async function admit(request: IncomingMessage): Promise<void> {
    deps.checkOrigin(request);
    connections.admit(request, await memberOf(request));
  }

  return {
    allowRequest(
      request: IncomingMessage,
      decide: (error: null, isAllowed: boolean) => void,
    ): void {
      admit(request).then(
        () => decide(null, true),
        () => decide(null, false),
      );
    },
    guardBoard(io: Server): void {
      io.use(({ request }, next) => {
        next(watching.has(request) ? undefined : new Error("You may not watch boards."));
      });
    },
  };
}
