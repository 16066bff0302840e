import path from "node:path";

import type { CacheView } from "#dashboards/deploys/edge-messages.ts";
import { COLOURS } from "#deployer/drivers.ts";
import type { AgentAddress } from "#deployer/edge/agent/agent-client.ts";
import { CertificateFiles, expiryWarning } from "#deployer/edge/agent/certificate-files.ts";
import { CONTROL_PLANE_FILES } from "#deployer/edge/agent/make-certificates.ts";
import { RemoteEdge, type RemoteNode } from "#deployer/edge/agent/remote-edge.ts";
import { EdgeConfiguration } from "#deployer/edge/configuration/edge-configuration.ts";
import { TEMPLATES } from "#deployer/edge/edge-servers.ts";
import { PREVIEW_HEADER } from "#deployer/edge/lane.ts";
import { systemClock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import { hostOf } from "#platform/listen.ts";
import type { Log } from "#platform/log.ts";

import { RELEASE } from "../release.ts";
import type { ClosedEdgePort, Edge, EdgePlace } from "./edge-port.ts";
import { knownWith, readKnownNodes } from "./known-nodes.ts";

/** The authority of the edge, and the certificate of the control plane. */
export const authorityFolder = (dataFolder: string): string =>
  path.join(path.resolve(dataFolder), "edge-authority");

/** Clients that use a node at all send something in this time. */
const USED_MS = 60_000;

type Place = Pick<EdgePlace, "dataFolder" | "portOf"> & { nodes: readonly AgentAddress[] };

/**
 * Edge nodes on other machines, each of which serves the workloads at its own address.
 * @throws AppError bad_request without nodes or certificates, with what to do
 */
export function openRemoteEdge({ dataFolder, nodes, portOf }: Place, log: Log): Edge {
  checkListed(nodes);
  const files = new CertificateFiles(authorityFolder(dataFolder), CONTROL_PLANE_FILES);
  const watching = files.watch({
    onChange: () => log.info("the certificate of the control plane was replaced"),
    onError: ({ message }) => log.error("the new certificate cannot be used", { message }),
  });
  const configuration = configurationIn(dataFolder, log);
  const edge = new RemoteEdge(knownWith(dataFolder, nodes), files, () => configuration.text());
  const isListed = (id: string): boolean => nodes.some(({ node }) => node === id);
  const urlAt = (host: string, workload: string): string =>
    `http://${hostOf(host)}:${portOf(workload)}`;
  const urlsOf = (workload: string): string[] => nodes.map(({ host }) => urlAt(host, workload));
  return {
    driver: {
      ...edge.driver,
      nodes: async () => {
        const known = readKnownNodes(dataFolder).map(({ node }) => node);
        return edge.nodes.map(({ id }) => ({ id, retired: !isListed(id) && !known.includes(id) }));
      },
    },
    configuration,
    caches: {
      ban: async (ban) => {
        await edge.ban(ban);
        return edge.nodes.map(({ id }) => id);
      },
      read: async (workloads, fromMs) => cacheView(edge, workloads, fromMs),
    },
    traffic: {
      read: async (workload, fromMs) => {
        return { lanes: await edge.counts(workload, fromMs), peakRps: undefined };
      },
    },
    urlsOf,
    urlOf: (id, workload) => urlAt(edge.node(id).host, workload),
    previewsOf: (workload, colour) =>
      urlsOf(workload).map((url) => ({ url, headers: { [PREVIEW_HEADER]: colour } })),
    isStarted: () => edge.isStarted,
    closedPorts: () => closedPortsOf(edge),
    notesOf: async (id) => {
      const node = edge.node(id);
      return [...(isListed(id) ? [] : await leavingNotes(node)), ...notesOf(node)];
    },
    start: async (workloads) => {
      await edge.serve(workloads);
      configuration.attach(edge);
    },
    // The nodes go on: they serve others than this machine.
    async close() {
      await configuration.close();
      watching[Symbol.dispose]();
      edge[Symbol.dispose]();
    },
  };
}

/** Of the nodes that can be reached. */
async function closedPortsOf({ nodes }: RemoteEdge): Promise<ClosedEdgePort[]> {
  const asked = await Promise.allSettled(nodes.map((node) => node.ask("version", {})));
  return asked.flatMap((it) =>
    it.status === "fulfilled"
      ? it.value.closed.map((closed) => ({ ...closed, node: it.value.node }))
      : [],
  );
}

const configurationIn = (dataFolder: string, log: Log): EdgeConfiguration =>
  new EdgeConfiguration({
    folder: path.join(path.resolve(dataFolder), "deploys", "edge", "template"),
    shipped: TEMPLATES.haproxy,
    log,
  });

/** @throws AppError bad_request */
function checkListed(nodes: Place["nodes"]): void {
  if (nodes.length > 0) return;
  const message = "QUARTERDECK_EDGE=remote needs QUARTERDECK_EDGE_NODES, such as lb1=10.0.0.5:4690";
  throw new AppError("bad_request", message);
}

async function cacheView(
  edge: RemoteEdge,
  workloads: readonly string[],
  fromMs: number,
): Promise<CacheView> {
  const { nodes } = edge;
  const sizes = await Promise.allSettled(nodes.map((node) => node.ask("cacheSize", {})));
  const unknown = { objects: null, bytes: null };
  const lanes = await Promise.all(
    workloads.map(async (workload) => {
      const of = await edge.counts(workload, fromMs);
      return COLOURS.map((colour) => {
        const { hits, misses } = of[colour];
        return { workload, colour, hits, misses };
      });
    }),
  );
  return {
    nodes: nodes.flatMap(({ id }, at) => {
      const size = sizes[at];
      if (size?.status !== "fulfilled") return [{ id, ...unknown }];
      return size.value === null ? [] : [{ id, ...size.value }];
    }),
    lanes: lanes.flat(),
  };
}

/** Whether clients still use a node that was taken out of the list, and what to do. */
async function leavingNotes(node: RemoteNode): Promise<string[]> {
  const { id } = node;
  return [
    `It is not in QUARTERDECK_EDGE_NODES any more, but it still serves: it gets each configuration, and deploys wait for it. ${await useOf(node)}`,
    `Take it from the load balancer or the DNS, stop it on its machine when no client uses it any more, and then run quarterdeck edge-agent forget ${id}.`,
  ];
}

async function useOf(node: RemoteNode): Promise<string> {
  if (!node.isTold) return "";
  try {
    const requests = await node.requests(systemClock.nowMs() - USED_MS);
    if (requests === 0) return "In the last minute no client used it.";
    return `In the last minute clients sent it ${requests} ${requests === 1 ? "request" : "requests"}.`;
  } catch {
    return "It cannot be reached: if it runs, it serves with its last configuration, whose tasks may have stopped.";
  }
}

/** What an operator should do about a node. */
function notesOf({ certificate, about }: RemoteNode): string[] {
  const expiry = certificate && expiryWarning(certificate, systemClock.nowMs());
  return [
    ...(expiry === undefined ? [] : [expiry]),
    ...(about === undefined || about.release === RELEASE
      ? []
      : [`its agent has the release ${about.release}, and the control plane ${RELEASE}`]),
  ];
}
