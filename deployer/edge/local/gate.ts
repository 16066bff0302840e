import type { IncomingMessage, ServerResponse } from "node:http";

import type { Colour } from "#deployer/drivers.ts";

import type { Access } from "./access-lines.ts";
import type { NodeSettings } from "./node-settings.ts";
import type { RunningWorkload } from "./running-workload.ts";

/** What a request or a tunnel has done at its end. `performance.now()` and ms. */
export type Noted = Omit<Access, "atMs" | "totalMs" | "workload" | "release" | "lane"> & {
  startMs: number;
  /** When the response began; undefined if none did. */
  answeredMs: number | undefined;
  /** The colour that was asked first. */
  lane: Colour;
};

/** The port of a workload, as its requests and tunnels see it. */
export type Gate = {
  readonly workload: RunningWorkload;
  readonly settings: NodeSettings;
  readonly isStopping: boolean;
  laneOf(request: IncomingMessage): Colour;
  refuse(response: ServerResponse, status: number): void;
  /** Is called once for each request and each tunnel. */
  note(noted: Noted): void;
};

export const peerOf = ({ socket }: IncomingMessage): string => socket.remoteAddress ?? "unknown";
