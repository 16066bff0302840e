import { isIP } from "node:net";

import { z } from "zod";

/** Also a part of file names. */
const NAME = z.string().regex(/^[a-z\d][\w-]{0,63}$/i, { error: "give letters, digits, _ and -" });

export const WorkloadSettings = z.object({
  name: NAME,
  /** Where its clients connect. */
  port: z.int().min(1).max(65_535),
  /** Until a configuration has more. */
  slotsPerColour: z.int().min(1),
  /** Is answered with 200 by a task that serves. */
  checkPath: z.string().startsWith("/"),
});

/** How a node of the local edge is started. Times in ms. */
export const NodeSettings = z.object({
  id: NAME,
  /** Has its state, its access log and the socket on which it is controlled. */
  dataFolder: z.string().min(1),
  host: z.string().min(1),
  /** Those that it serves until it is told others. */
  workloads: z.array(WorkloadSettings),
  /** Addresses and networks (CIDR) whose clients may choose a lane. */
  controlNetworks: z.array(z.string()),
  /** How long a task may take until it begins to answer. */
  responseMs: z.int().min(1),
  /** How long a client may take for the head of a request. */
  headMs: z.int().min(1),
});

export type WorkloadSettings = z.infer<typeof WorkloadSettings>;
export type NodeSettings = z.infer<typeof NodeSettings>;

/** This machine, also when it asks the address on which its edge listens. */
export const controlNetworksOf = (host: string): string[] => [
  "127.0.0.0/8",
  "::1",
  ...(isIP(host) === 0 ? [] : [host]),
];

export const NODE_DEFAULTS = {
  responseMs: 30_000,
  headMs: 10_000,
} as const;
