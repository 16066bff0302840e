import path from "node:path";
import { fileURLToPath } from "node:url";

import { PREVIEW_HEADER } from "#deployer/edge/lane.ts";
import {
  controlNetworksOf,
  NODE_DEFAULTS,
  type NodeSettings,
} from "#deployer/edge/local/node-settings.ts";
import { FLEET_CALL_MS_MAX } from "#deployer/fleet/colour-fleet.ts";
import type { FleetClient, Manifest } from "#deployer/fleet/fleet-client.ts";
import { hostOf } from "#platform/listen.ts";

import { openEdge } from "../edge/open-edge.ts";
import type { Edge, EdgePlace, EdgeWorkload } from "./edge-port.ts";

/** The nodes of the local edge. */
const NODES = ["lb1"];
const INSTALLATION = fileURLToPath(new URL("../../", import.meta.url));
const STOP_S = 30;
const POLL_MS = 100;
const STARTED_MS_MAX = 30_000;
const STOPPED_MS_MAX = 40_000;

/**
 * The local edge. Its nodes are tasks of the fleet, which starts them again when they die, and so they outlive this process. They
 * are started when the first workload is deployed.
 */
export function openLocalEdge({ dataFolder, host, portOf }: EdgePlace, client: FleetClient): Edge {
  const folder = path.resolve(dataFolder);
  const { driver, counts, serve, closedPorts, ...edge } = openEdge(folder, NODES);
  const urlOf = (workload: string): string => `http://${hostOf(host)}:${portOf(workload)}`;
  const urlsOf = (workload: string): string[] => NODES.map(() => urlOf(workload));
  let starting: Promise<void> | undefined;
  let wanted: readonly EdgeWorkload[] | undefined;
  return {
    driver: {
      ...driver,
      read: async (id, workload) =>
        driver.read(id, workload).catch((error: unknown) => {
          // Its data folder may have been emptied.
          if (wanted !== undefined) void serve(id, wanted).catch(() => undefined);
          throw error;
        }),
    },
    configuration: undefined,
    caches: undefined,
    traffic: {
      read: async (workload, fromMs) => {
        return { lanes: await counts(workload, fromMs), peakRps: undefined };
      },
    },
    urlsOf,
    urlOf: (_node, workload) => urlOf(workload),
    previewsOf: (workload, colour) =>
      urlsOf(workload).map((url) => ({ url, headers: { [PREVIEW_HEADER]: colour } })),
    isStarted: () => starting !== undefined,
    closedPorts: async () => {
      const all = NODES.map(async (node) =>
        (await closedPorts(node)).map((closed) => ({ ...closed, node })),
      );
      return (await Promise.all(all)).flat();
    },
    notesOf: async () => [],
    start(workloads) {
      const start = async (): Promise<void> => {
        for (const id of NODES) {
          await ensureNode(client, {
            ...NODE_DEFAULTS,
            controlNetworks: controlNetworksOf(host),
            id,
            dataFolder: folder,
            host,
          });
          await untilDone(() => serve(id, workloads));
        }
        wanted = workloads;
      };
      if (starting !== undefined) return starting;
      const begun = start();
      starting = begun;
      // A failed start is tried again.
      begun.catch(() => (starting = undefined));
      return begun;
    },
    // The nodes stop with the tasks of the fleet, or go on with them.
    close: async () => edge[Symbol.asyncDispose](),
  };
}

type Node = Omit<NodeSettings, "workloads" | "controlNetworks"> & {
  controlNetworks: readonly string[];
};

/** A node that has just started cannot be reached yet. @throws Error when it takes too long */
async function untilDone(work: () => Promise<void>): Promise<void> {
  const endMs = performance.now() + STARTED_MS_MAX;
  for (;;) {
    try {
      await work();
      return;
    } catch (error) {
      if (performance.now() > endMs) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** A node with other settings is stopped first, as both would need the same ports. */
async function ensureNode(fleet: FleetClient, node: Node): Promise<void> {
  const client = fleet.until(AbortSignal.timeout(FLEET_CALL_MS_MAX + STOPPED_MS_MAX));
  const name = `edge-${node.id}`;
  const manifest = manifestOf(name, node);
  const taskDefinition = await client.register(manifest, { deployId: name, tags: {} });
  await client.ensureService({ name, taskDefinition, count: 1, tags: {} });
  const primary = (await client.currentService(name))?.deployments[0];
  if (primary?.taskDefinition !== taskDefinition) await stopTasks(client, name);
  await client.deploy(name, { taskDefinition, count: 1 });
}

async function stopTasks(client: FleetClient, name: string): Promise<void> {
  await client.scale(name, 0);
  const isOver = async (): Promise<boolean> => {
    const [running, stopping] = await Promise.all([
      client.tasks(name),
      client.tasks(name, "STOPPED"),
    ]);
    return [...running, ...stopping].every(({ lastStatus }) => lastStatus === "STOPPED");
  };
  while (!(await isOver())) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
}

const manifestOf = (family: string, node: Node): Manifest => ({
  family,
  networkMode: "awsvpc",
  requiresCompatibilities: ["FARGATE"],
  cpu: "128",
  memory: "128",
  containerDefinitions: [
    {
      name: "node",
      essential: true,
      image: family,
      command: [process.execPath, "server/edge/edge-process.ts"],
      workingDirectory: INSTALLATION,
      environment: [{ name: "EDGE_NODE", value: JSON.stringify({ ...node, workloads: [] }) }],
      stopTimeout: STOP_S,
    },
  ],
});
