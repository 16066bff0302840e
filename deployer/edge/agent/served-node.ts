import { existsSync, readFileSync } from "node:fs";
import path from "node:path";

import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import type { Log } from "#platform/log.ts";
import { readStateFile, replaceFile, writeStateFile } from "#platform/state-file.ts";

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
  readonly #templateFile: string;
  readonly #errors: ReturnType<HaproxyNode["countErrors"]>;

  /** @throws AppError unavailable with what to do if the saved list of workloads is damaged */
  constructor(options: ServedNodeOptions) {
    const { node, folder, host, edgePort, cacheMb, ...common } = options;
    this.#options = options;
    this.#file = path.join(folder, "workloads.json");
    this.#templateFile = path.join(folder, "haproxy.cfg");
    const saved = this.#saved();
    const template = readIfExists(this.#templateFile);
    this.servers = new EdgeServers({
      ...common,
      folder,
      cacheMb,
      ...(template === undefined ? {} : { template }),
      workloads: saved.map(workloadOf),
      haproxy: [
        { id: node, listen: listenOf(saved, host), internal: `${INSIDE}:${edgePort + INTERNAL}` },
      ],
      // An underscore is in no name of a node.
      varnish: cacheMb > 0 ? { [`${node}_cache`]: `${INSIDE}:${edgePort + CACHE}` } : {},
    });
    this.#errors = this.#haproxy.countErrors();
  }

  /** What the agent does for the control plane. */
  get service(): AgentService {
    const { servers } = this;
    const { node, release, startedAtMs, host } = this.#options;
    const { driver, traffic } = servers;
    return {
      version: async () => {
        return { node, release, startedAtMs, closed: [...this.#haproxy.closedPorts] };
      },
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
      checkTemplate: async ({ text }) => servers.checkTemplate(text),
      useTemplate: async ({ text }) => {
        await this.#haproxy.useTemplate(text);
        replaceFile(this.#templateFile, text);
        return null;
      },
      health: async () => this.#haproxy.health(),
      errors: async () => (await this.#errors)(),
      ban: async (ban) => {
        await servers.ban(ban);
        return null;
      },
      cacheSize: async () => (await servers.varnish[0]?.size()) ?? null,
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

const readIfExists = (file: string): string | undefined =>
  existsSync(file) ? readFileSync(file, "utf8") : undefined;
