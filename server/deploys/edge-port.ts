import type { Colour, Drivers } from "#deployer/drivers.ts";

/** The edge in front of the workloads. */
export type Edge = {
  driver: Drivers["edge"];
  traffic: Drivers["traffic"];
  /** URLs and headers with which requests reach a colour through each node, whatever its share. */
  previewsOf(
    workload: string,
    colour: Colour,
  ): Promise<readonly { url: string; headers: Readonly<Record<string, string>> }[]>;
  close(): Promise<void>;
};
