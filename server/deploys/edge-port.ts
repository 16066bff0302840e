import type { CacheView } from "#dashboards/deploys/edge-messages.ts";
import type { Colour, Drivers } from "#deployer/drivers.ts";
import type { ClosedPort } from "#deployer/edge/closed-port.ts";
import type { EdgeConfiguration } from "#deployer/edge/configuration/edge-configuration.ts";
import type { Ban } from "#deployer/edge/varnish/ban.ts";

/** A workload as the nodes serve it. */
export type EdgeWorkload = {
  name: string;
  /** Where clients connect. */
  port: number;
  slotsPerColour: number;
  checkPath: string;
};

/** Where an edge has its files and its ports. */
export type EdgePlace = {
  dataFolder: string;
  host: string;
  /** The port of a workload on the first node. */
  portOf(workload: string): number;
};

/** The caches between clients and tasks. */
type Caches = {
  /** @returns the nodes from which it was removed. @throws AppError if one cannot be reached: it may have it still */
  ban(ban: Ban): Promise<string[]>;
  /** Counts from `fromMs` (epoch ms) until now. */
  read(workloads: readonly string[], fromMs: number): Promise<CacheView>;
};

/** A port of a node that another program has. */
export type ClosedEdgePort = ClosedPort & { node: string };

/** The edge in front of the workloads. */
export type Edge = {
  driver: Drivers["edge"];
  /** The template of its nodes and its caches; undefined for the local edge, which has neither. */
  configuration: EdgeConfiguration | undefined;
  caches: Caches | undefined;
  traffic: Drivers["traffic"];
  /** Where clients reach a workload: one URL for each node. */
  urlsOf(workload: string): readonly string[];
  /** Where one node serves a workload, also a node that clients are not to use any more. */
  urlOf(node: string, workload: string): string;
  /** URLs and headers with which requests reach a colour through each node, whatever its share. */
  previewsOf(
    workload: string,
    colour: Colour,
  ): readonly { url: string; headers: Readonly<Record<string, string>> }[];
  /** Whether the nodes were started: they are not before the first deploy of a workload. */
  isStarted(): boolean;
  /** Ports at which clients cannot reach a workload. */
  closedPorts(): Promise<readonly ClosedEdgePort[]>;
  /** What an operator should know about a node, and do. */
  notesOf(node: string): Promise<readonly string[]>;
  /** Starts the nodes unless they run already. */
  start(workloads: readonly EdgeWorkload[]): Promise<void>;
  /** Ends the connection to the nodes, which go on unless they are to stop. */
  close(nodes: "stop" | "keep"): Promise<void>;
};
