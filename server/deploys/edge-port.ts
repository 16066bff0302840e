import type { Colour, Drivers } from "#deployer/drivers.ts";

/** A workload as the nodes serve it. */
export type EdgeWorkload = {
  name: string;
  /** Where clients connect. */
  port: number;
  slotsPerColour: number;
  checkPath: string;
};

/** The edge in front of the workloads. */
export type Edge = {
  driver: Drivers["edge"];
  traffic: Drivers["traffic"];
  /** Where clients reach a workload: one URL for each node. */
  urlsOf(workload: string): readonly string[];
  /** URLs and headers with which requests reach a colour through each node, whatever its share. */
  previewsOf(
    workload: string,
    colour: Colour,
  ): readonly { url: string; headers: Readonly<Record<string, string>> }[];
  /** Starts the nodes unless they run already. */
  start(workloads: readonly EdgeWorkload[]): Promise<void>;
  close(): Promise<void>;
};
