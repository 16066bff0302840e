import type { FleetClient } from "#deployer/fleet/fleet-client.ts";
import type { Log } from "#platform/log.ts";

import type { DeploysSettings } from "../settings.ts";
import type { Edge } from "./edge-port.ts";
import { openHaproxyEdge } from "./haproxy-edge.ts";
import { openLocalEdge } from "./local-edge.ts";
import { openRemoteEdge } from "./remote-edge.ts";
import type { ManagedWorkloads } from "./workloads/all-workloads.ts";

type EdgeParts = {
  settings: DeploysSettings;
  workloads: ManagedWorkloads;
  client: FleetClient;
  log: Log;
};

/** The edge that the settings name. @throws AppError with what to do if it cannot be used */
export function openEdge({ settings, workloads, client, log }: EdgeParts): Edge {
  const { dataFolder, edgeHost: host, edgePort } = settings;
  const portOf = (name: string): number => workloads.find(name).edgePort;
  if (settings.edge === "remote") {
    return openRemoteEdge({ dataFolder, nodes: settings.edgeNodes, portOf }, log);
  }
  return settings.edge === "haproxy"
    ? openHaproxyEdge({ dataFolder, host, portOf, edgePort }, log)
    : openLocalEdge({ dataFolder, host, portOf }, client);
}
