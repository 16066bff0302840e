import type { IncomingMessage } from "node:http";

import type { Clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import type { Log } from "#platform/log.ts";

import type { Workspace } from "../workspace.ts";

export type ViewerDeps = {
  workspace(): Pick<Workspace, "kind" | "hasIndexer" | "tail"> & {
    live: Pick<Workspace["live"], "frame" | "snapshot">;
  };
  /**
   * Reject unless the member may watch boards, or follow raw events; resolve to the id of the member. Called again
   * while the socket is open.
   */
  mayWatch(request: IncomingMessage): Promise<string>;
  mayFollow(request: IncomingMessage): Promise<string>;
  clock: Clock;
  log: Log;
};

/** Other errors, such as an unavailable database, do not close sockets. */
export const isRefusal = (error: unknown): boolean =>
  error instanceof AppError && (error.code === "unauthenticated" || error.code === "forbidden");
