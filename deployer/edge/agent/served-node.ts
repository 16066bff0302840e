import path from "node:path";

import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import type { Log } from "#platform/log.ts";
import { readStateFile, writeStateFile } from "#platform/state-file.ts";

import { EdgeServers, type EdgeServersOptions } from "../edge-servers.ts";
import type { HaproxyNode } from "../haproxy/haproxy-node.ts";
import { type AgentService, ServedWorkload } from "./verbs.ts";

/** The ports inside the machine, above that of the edge. */
const INTERNAL = 40;
const CACHE = 42;
const INSIDE = "127.0.0.1";

export type ServedNodeOptions = Pick<
  EdgeServersOptions,
  "folder" | "programs" | "cacheMb" | "controlNetworks" | "responseMs" | "headMs"
> & {
  /** The name in its certificate. */
  node: string;
  release: string;
  /** Where clients connect; each workload has a port of its own. */
  host: string;
  edgePort: number;
  startedAtMs: number;
  log: Log;
};

/** HAProxy and, with a size for its cache, Varnish of one machine, as the control plane wants them. */
export class ServedNode {
  readonly servers: EdgeServers;
  readonly #options: ServedNodeOptions;
  readonly #file: string;

  /** @throws AppError unavailable with what to do if the saved list of workloads is damaged */
  constructor(options: ServedNodeOptions) {
    const { node, folder, host, edgePort, cacheMb, ...common } = options;
    this.#options = options;
    this.#file = path.join(folder, "workloads.json");
    const saved = this.#saved();
    this.servers = new EdgeServers({
      ...common,
      folder,
      cacheMb,
      workloads: saved.map(workloadOf),
      haproxy: [
        { id: node, listen: listenOf(saved, host), internal: `${INSIDE}:${edgePort + INTERNAL}` },
      ],
      // An underscore is in no name of a node.
      varnish: cacheMb > 0 ? { [`${node}_cache`]: `${INSIDE}:${edgePort + CACHE}` } : {},
    });
  }

  /** What the agent does for the control plane. */
  get service(): AgentService {
    const { servers } = this;
    const { node, release, startedAtMs, host } = this.#options;
    const { driver, traffic } = servers;
    return {
      version: async () => ({ node, release, startedAtMs }),
      serve: async ({ workloads }) => {
        await this.#haproxy.serve(workloads.map(workloadOf), listenOf(workloads, host));
        writeStateFile(this.#file, workloads);
        return null;
      },
      read: async ({ workload }) => {
        const { slots, ...view } = await driver.read(node, workload);
        return { ...view, slots: { blue: [...slots.blue], green: [...slots.green] } };
      },
      apply: async ({ workload, config }) => {
        await driver.apply(node, workload, config);
        return null;
      },
      closeSessions: async (request) => {
        await driver.closeSessions(node, request);
        return null;
      },
      counts: async ({ workload, fromMs }) => traffic.tallies(workload, fromMs),
      ban: async (ban) => {
        await servers.ban(ban);
        return null;
      },
    };
  }

  get #haproxy(): HaproxyNode {
    const [node] = this.servers.haproxy;
    if (node === undefined) throw new Error("there is no node");
    return node;
  }

  #saved(): ServedWorkload[] {
    const { value, damage } = readStateFile(this.#file, z.array(ServedWorkload));
    if (damage === undefined) return value ?? [];
    throw new AppError(
      "unavailable",
      `${damage}: delete it, and the control plane sends it again.`,
    );
  }
}

const workloadOf = ({ name, checkPath, slotsPerColour: slots }: ServedWorkload) => {
  return { name, checkPath, slots };
};

const listenOf = (workloads: readonly ServedWorkload[], host: string): Record<string, string> =>
  Object.fromEntries(workloads.map(({ name, port }) => [name, `${host}:${port}`]));
