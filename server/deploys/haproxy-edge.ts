import path from "node:path";

import type { CacheView } from "#dashboards/deploys/edge-messages.ts";
import { COLOURS } from "#deployer/drivers.ts";
import { EdgeConfiguration } from "#deployer/edge/configuration/edge-configuration.ts";
import { EdgeServers, type EdgeServersOptions, TEMPLATES } from "#deployer/edge/edge-servers.ts";
import { PREVIEW_HEADER } from "#deployer/edge/lane.ts";
import { controlNetworksOf, NODE_DEFAULTS } from "#deployer/edge/local/node-settings.ts";
import { findProgram } from "#deployer/edge/processes/find-program.ts";
import { AppError } from "#platform/errors.ts";
import { hostOf } from "#platform/listen.ts";
import type { Log } from "#platform/log.ts";

import type { Edge, EdgePlace, EdgeWorkload } from "./edge-port.ts";

/** `above`: added to the ports of workloads. `internal`: added to the port of the edge for the frontend behind the caches. */
const NODES = [
  { id: "lb1", above: 0, internal: 40 },
  { id: "lb2", above: 20, internal: 41 },
];
/** Likewise. */
const CACHES = { cache1: 42, cache2: 43 };
const CACHE_MB = 64;
const NOT_STARTED = "The edge has not been started, as nothing was deployed yet.";

type Place = EdgePlace & { edgePort: number };

/**
 * HAProxy and Varnish of this machine, two of each. They are started when the first workload is deployed, and outlive this process.
 * @throws AppError unavailable if a program is not installed
 */
export function openHaproxyEdge(place: Place, log: Log): Edge {
  const { host, portOf } = place;
  const programs = installedPrograms();
  const configuration = configurationIn(folderOf(place), log);
  let started: Promise<EdgeServers> | undefined;
  const servers = async (): Promise<EdgeServers> => {
    if (started === undefined) throw new AppError("unavailable", NOT_STARTED);
    return started;
  };
  const urlAbove = (above: number, workload: string): string =>
    `http://${hostOf(host)}:${portOf(workload) + above}`;
  const urlsOf = (workload: string): string[] =>
    NODES.map(({ above }) => urlAbove(above, workload));
  return {
    driver: {
      nodes: () => Promise.resolve(NODES.map(({ id }) => ({ id, retired: false }))),
      read: async (...of) => (await servers()).driver.read(...of),
      apply: async (...of) => (await servers()).driver.apply(...of),
      closeSessions: async (...of) => (await servers()).driver.closeSessions(...of),
    },
    configuration,
    caches: {
      ban: async (ban) => {
        const running = await servers();
        await running.ban(ban);
        return running.varnish.map(({ id }) => id);
      },
      read: async (workloads, fromMs) => cacheView(await servers(), workloads, fromMs),
    },
    traffic: {
      read: async (workload, fromMs) => {
        const lanes = await (await servers()).traffic.counts(workload, fromMs);
        return { lanes, peakRps: undefined };
      },
    },
    urlsOf,
    urlOf: (node, workload) => urlAbove(nodeOf(node).above, workload),
    previewsOf: (workload, colour) =>
      urlsOf(workload).map((url) => ({ url, headers: { [PREVIEW_HEADER]: colour } })),
    isStarted: () => started !== undefined,
    closedPorts: async () => (await servers()).closedPorts,
    notesOf: async () => [],
    async start(workloads) {
      started ??= begin(
        serversOf({ place, programs, workloads, log }, configuration),
        configuration,
      );
      // A failed start is tried again.
      started.catch(() => (started = undefined));
      await started;
    },
    async close(nodes) {
      await configuration.close();
      const running = await started?.catch(() => undefined);
      await (nodes === "stop" ? running?.stop() : running?.leave());
    },
  };
}

function nodeOf(id: string): (typeof NODES)[number] {
  const node = NODES.find((it) => it.id === id);
  if (node === undefined) throw new AppError("not_found", `There is no edge node ${id}.`);
  return node;
}

const configurationIn = (folder: string, log: Log): EdgeConfiguration =>
  new EdgeConfiguration({
    folder: path.join(folder, "template"),
    shipped: TEMPLATES.haproxy,
    log,
  });

type ServersParts = {
  place: Place;
  programs: EdgeServersOptions["programs"];
  workloads: readonly EdgeWorkload[];
  log: Log;
};

const folderOf = ({ dataFolder }: Place): string =>
  path.join(path.resolve(dataFolder), "deploys", "edge");

function serversOf(
  { place, programs, workloads, log }: ServersParts,
  configuration: EdgeConfiguration,
): EdgeServers {
  const { host, edgePort } = place;
  const at = (port: number): string => `${host}:${port}`;
  // Only this machine asks these; who could connect to them would be believed whatever it says about itself.
  const inside = (port: number): string =>
    `${host.startsWith("127.") ? host : "127.0.0.1"}:${port}`;
  return new EdgeServers({
    folder: folderOf(place),
    template: configuration.text(),
    programs,
    workloads: workloads.map(({ name, checkPath, slotsPerColour }) => {
      return { name, checkPath, slots: slotsPerColour };
    }),
    haproxy: NODES.map(({ id, above, internal }) => ({
      id,
      listen: Object.fromEntries(workloads.map(({ name, port }) => [name, at(port + above)])),
      internal: inside(edgePort + internal),
    })),
    varnish: Object.fromEntries(
      Object.entries(CACHES).map(([id, above]) => [id, inside(edgePort + above)]),
    ),
    cacheMb: CACHE_MB,
    controlNetworks: controlNetworksOf(host),
    responseMs: NODE_DEFAULTS.responseMs,
    headMs: NODE_DEFAULTS.headMs,
    log,
  });
}

async function begin(servers: EdgeServers, configuration: EdgeConfiguration): Promise<EdgeServers> {
  await servers.start();
  configuration.attach(servers);
  return servers;
}

const installedPrograms = (): EdgeServersOptions["programs"] => ({
  haproxy: installed("haproxy"),
  varnishd: installed("varnishd"),
  varnishadm: installed("varnishadm"),
});

function installed(program: string): string {
  const file = findProgram(program);
  if (file !== undefined) return file;
  throw new AppError(
    "unavailable",
    `${program} is not installed. Install HAProxy and Varnish, or set QUARTERDECK_EDGE=local.`,
  );
}

async function cacheView(
  { varnish, traffic }: EdgeServers,
  workloads: readonly string[],
  fromMs: number,
): Promise<CacheView> {
  const nodes = await Promise.all(
    varnish.map(async (node) => ({ id: node.id, ...(await node.size()) })),
  );
  const lanes = await Promise.all(
    workloads.map(async (workload) => {
      const counts = await traffic.counts(workload, fromMs);
      return COLOURS.map((colour) => {
        const { hits, misses } = counts[colour];
        return { workload, colour, hits, misses };
      });
    }),
  );
  return { nodes, lanes: lanes.flat() };
}
