import type { Colour, EdgeConfig, NodeView } from "#deployer/drivers.ts";
import type { ChannelAddress } from "#platform/channel/port.ts";

import type { ClosedPort } from "../closed-port.ts";
import type { LaneTallies } from "../traffic/lane-history.ts";
import type { WorkloadSettings } from "./node-settings.ts";

/** What a node can be asked, with what it answers. */
export type Verbs = {
  read: { input: undefined; output: NodeView };
  apply: { input: EdgeConfig; output: undefined };
  closeSessions: { input: { colour: Colour; overMs: number }; output: undefined };
  /** Which workloads it serves, and where. A change closes no connection of those that stay. */
  serve: { input: readonly WorkloadSettings[]; output: undefined };
  /** Ports at which clients cannot reach a workload. */
  closed: { input: undefined; output: readonly ClosedPort[] };
  /** Since then (epoch ms). */
  counts: { input: { fromMs: number }; output: LaneTallies };
};

export type Verb = keyof Verbs;
export type Question = {
  [V in Verb]: { id: number; verb: V; workload: string; input: Verbs[V]["input"] };
}[Verb];
export type Reply = { id: number; output: Verbs[Verb]["output"] } | { id: number; error: string };

/** The socket of a node in the data folder, which only its user can open. */
export const controlOf = (dataFolder: string, node: string): ChannelAddress => ({
  dataFolder,
  name: `edge-${node}`,
  protocol: "edge 1",
});
