import { controlOf, type Question, type Reply } from "#deployer/edge/local/control.ts";
import { type LocalEdge, openLocalEdge } from "#deployer/edge/local/local-edge.ts";
import { followChannels } from "#platform/channel/sockets.ts";

/** The nodes of the local edge in a data folder, whether they run already or not. */
export const openEdge = (dataFolder: string, nodes: readonly string[]): LocalEdge =>
  openLocalEdge(nodes, (node, accept) =>
    followChannels<Reply, Question>(controlOf(dataFolder, node), accept),
  );
