import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { describe } from "vitest";

import { testEdge } from "../contract.ts";
import { TEST_EDGE, type TestEdge, type TestNode } from "../testing/world.ts";
import { haproxyEdge } from "./haproxy-edge.ts";
import { HaproxyNode } from "./haproxy-node.ts";
import { nodeOptions, programForTests, serverAddress } from "./testing-haproxy.ts";

const POLL_MS = 10;
const { workload, slotsPerColour, ...surroundings } = TEST_EDGE;

async function openHaproxyEdge(): Promise<TestEdge> {
  const folder = mkdtempSync(path.join(tmpdir(), "qd-edge "));
  const nodes = await Promise.all(["lb1", "lb2"].map((id) => startNode(path.join(folder, id), id)));
  return {
    driver: haproxyEdge(nodes),
    nodes: nodes.map(testNode),
    async [Symbol.asyncDispose]() {
      await Promise.all(nodes.map((node) => node.stop()));
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function startNode(folder: string, id: string): Promise<HaproxyNode> {
  const { checkPath } = surroundings;
  const workloads = [{ name: workload, checkPath, slots: slotsPerColour }];
  const options = await nodeOptions({ ...surroundings, id, folder, workloads });
  const listen = { [workload]: await serverAddress() };
  const node = new HaproxyNode({ ...options, settings: { ...options.settings, listen } });
  await node.start();
  return node;
}

function testNode(node: HaproxyNode): TestNode {
  /** The master and its workers. */
  const signal = (name: NodeJS.Signals): void => {
    const { pid } = node.process;
    if (pid !== undefined) process.kill(-pid, name);
  };
  return {
    id: node.id,
    url: `http://${node.settings.listen[workload]}`,
    async kill() {
      signal("SIGKILL");
      while (node.process.pid !== undefined) await delay(POLL_MS);
    },
    start: () => node.start(),
    async restart() {
      await node.stop();
      await node.start();
    },
    suspend: () => signal("SIGSTOP"),
    resume: () => signal("SIGCONT"),
  };
}

// HAProxy 2.6 sends requests to slots that were ready before it started until their first check has failed.
describe.skipIf(programForTests("haproxy") === undefined)("HAProxy", () =>
  testEdge(openHaproxyEdge, { verifiesAtStart: false }),
);
