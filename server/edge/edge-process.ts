/**
 * A node of the local edge as a process of its own, so that it goes on when the deployer ends. Its settings are in the
 * variable EDGE_NODE, as JSON. At SIGTERM, SIGINT or the end of its channel it ends after the requests that it has.
 */
import { controlOf, type Question, type Reply } from "#deployer/edge/local/control.ts";
import { openEdgeNode } from "#deployer/edge/local/edge-node.ts";
import { NodeSettings } from "#deployer/edge/local/node-settings.ts";
import { listenForChannels } from "#platform/channel/sockets.ts";

const settings = NodeSettings.parse(JSON.parse(process.env["EDGE_NODE"] ?? "{}"));
const address = controlOf(settings.dataFolder, settings.id);
const node = await openEdgeNode(settings, (accept) =>
  listenForChannels<Question, Reply>(address, accept),
);

const stop = async (): Promise<void> => {
  await node[Symbol.asyncDispose]();
  process.exit(0);
};
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void stop());
process.once("disconnect", () => void stop());
process.send?.("ready");
