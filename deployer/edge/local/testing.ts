import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { freePort } from "#platform/free-port.ts";
import { openEdge } from "#server/edge/open-edge.ts";

import { TEST_EDGE, type TestEdge, type TestNode } from "../testing/world.ts";
import type { LocalEdge } from "./local-edge.ts";
import type { NodeSettings } from "./node-settings.ts";

const MODULE = fileURLToPath(new URL("../../../server/edge/edge-process.ts", import.meta.url));
const IDS = ["lb1", "lb2"];
const HOST = "127.0.0.1";

/** Two nodes, each in a process of its own. */
export async function openTestLocalEdge({ slotsPerColour }: Slots = TEST_EDGE): Promise<
  TestEdge & Pick<LocalEdge, "counts" | "serve" | "closedPorts"> & { folder: string }
> {
  const folder = mkdtempSync(path.join(tmpdir(), "quarterdeck edge "));
  const nodes = await Promise.all(
    IDS.map((id) => startTestNode({ dataFolder: folder, id, slotsPerColour })),
  );
  const { driver, counts, serve, closedPorts, ...edge } = openEdge(folder, IDS);
  return {
    folder,
    driver,
    counts,
    serve,
    closedPorts,
    nodes,
    async [Symbol.asyncDispose]() {
      await Promise.all(nodes.map((node) => node.kill()));
      await edge[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

type Slots = { slotsPerColour: number };

async function startTestNode({
  dataFolder,
  id,
  slotsPerColour,
}: Slots & { dataFolder: string; id: string }): Promise<TestNode> {
  const port = await freePort();
  const { workload, checkPath, controlNetworks, responseMs, headMs } = TEST_EDGE;
  const settings: NodeSettings = {
    id,
    dataFolder,
    host: HOST,
    workloads: [{ name: workload, port, slotsPerColour, checkPath }],
    controlNetworks: [...controlNetworks],
    responseMs,
    headMs,
  };
  let child = await started(settings);
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  };
  const start = async (): Promise<void> => {
    child = await started(settings);
  };
  return {
    id,
    url: `http://${HOST}:${port}`,
    kill: () => end("SIGKILL"),
    start,
    async restart() {
      await end("SIGTERM");
      await start();
    },
    suspend: () => void child.kill("SIGSTOP"),
    resume: () => void child.kill("SIGCONT"),
  };
}

async function started(settings: NodeSettings): Promise<ChildProcess> {
  const env = { ...process.env, EDGE_NODE: JSON.stringify(settings) };
  const child = fork(MODULE, [], { env, execArgv: [] });
  const [message] = await Promise.race([once(child, "message"), once(child, "exit")]);
  if (message !== "ready") throw new Error(`the node ${settings.id} has ended`);
  return child;
}
