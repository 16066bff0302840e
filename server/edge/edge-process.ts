/**
 * A node of the local edge as a process of its own: it serves whatever the deployer does. Its settings are in the
 * variable EDGE_NODE, as JSON. At SIGTERM, SIGINT or the end of who started it, it ends after the requests that it has.
 */
import { controlOf, type Question, type Reply } from "#deployer/edge/local/control.ts";
import { openEdgeNode } from "#deployer/edge/local/edge-node.ts";
import { NodeSettings } from "#deployer/edge/local/node-settings.ts";
import { listenForChannels } from "#platform/channel/sockets.ts";

async function open(): Promise<AsyncDisposable> {
  const settings = NodeSettings.parse(JSON.parse(process.env["EDGE_NODE"] ?? "{}"));
  const address = controlOf(settings.dataFolder, settings.id);
  return openEdgeNode(settings, (accept) => listenForChannels<Question, Reply>(address, accept));
}

const node = await open().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});

const stop = async (): Promise<void> => {
  await node[Symbol.asyncDispose]();
  process.exit(0);
};
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void stop());
process.once("disconnect", () => void stop());
process.send?.("ready");
