import { readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import type { Log } from "#platform/log.ts";

import type { Drivers } from "../drivers.ts";
import { boundLog } from "../ecs-local/processes/bounded-log.ts";
import type { ClosedPort } from "./closed-port.ts";
import type { Mistake, TemplateEdge, TemplateNode } from "./configuration/port.ts";
import { distinct, mistakesBy, type PortOwner } from "./haproxy/check-template.ts";
import { haproxyEdge } from "./haproxy/haproxy-edge.ts";
import { HaproxyNode } from "./haproxy/haproxy-node.ts";
import { ATTEMPTS_MAX, type EdgeWorkload, type NodeSettings } from "./haproxy/render-node.ts";
import type { LocalProcess } from "./processes/local-process.ts";
import { EdgeTraffic } from "./traffic/edge-traffic.ts";
import type { Ban } from "./varnish/ban.ts";
import { VarnishNode } from "./varnish/varnish-node.ts";

const LOOK_EVERY_MS = 500;
const LOG_BYTES_MAX = 64 * 1024 * 1024;
const SLACK_MS = 5_000;

const templateAt = (file: string): string =>
  readFileSync(fileURLToPath(new URL(file, import.meta.url)), "utf8");

export const TEMPLATES = {
  haproxy: templateAt("haproxy/haproxy.cfg"),
  varnish: templateAt("varnish/default.vcl"),
};

export type EdgeServersOptions = {
  /** Has everything that the servers read and write. Its path must be short, as sockets are in it. */
  folder: string;
  programs: { haproxy: string; varnishd: string; varnishadm: string };
  workloads: readonly EdgeWorkload[];
  haproxy: readonly NodeSettings[];
  /** `host:port` of each cache node by its id. */
  varnish: Readonly<Record<string, string>>;
  cacheMb: number;
  /** Clients in these may choose the colour by `x-preview-lane`. */
  controlNetworks: readonly string[];
  /** How long a task may take until it begins to answer, and a client for the head of its request. */
  responseMs: number;
  headMs: number;
  /** The template of the HAProxy nodes, where it is not the one of Quarterdeck. */
  template?: string;
  log: Log;
};

type Server = {
  id: string;
  process: LocalProcess;
  start(): Promise<void>;
  stop(): Promise<void>;
  openPorts?(): Promise<void>;
};

/**
 * The edge of one machine: HAProxy nodes, and between their two sides Varnish nodes. They go on when this process ends, and the
 * next one continues with them.
 */
export class EdgeServers implements TemplateEdge {
  readonly haproxy: readonly HaproxyNode[];
  readonly varnish: readonly VarnishNode[];
  readonly driver: Drivers["edge"];
  readonly traffic: EdgeTraffic;
  readonly #log: Log;
  readonly #stopping = new AbortController();
  #supervision: Promise<unknown> = Promise.resolve();

  /** @throws AppError unprocessable if a template is wrong */
  constructor(options: EdgeServersOptions) {
    const { folder, programs, haproxy, varnish, log, ...common } = options;
    const { cacheMb, template = TEMPLATES.haproxy, ...surroundings } = common;
    this.#log = log;
    this.haproxy = haproxy.map(
      (settings) =>
        new HaproxyNode({
          ...surroundings,
          settings,
          varnish,
          program: programs.haproxy,
          folder: path.join(folder, settings.id),
          template,
        }),
    );
    this.varnish = Object.entries(varnish).map(
      ([id, listen]) =>
        new VarnishNode({
          id,
          listen,
          programs,
          folder: path.join(folder, id),
          template: TEMPLATES.varnish,
          haproxy,
          memoryMb: cacheMb,
          allAttemptsMs: ATTEMPTS_MAX * options.responseMs + SLACK_MS,
        }),
    );
    this.driver = haproxyEdge(this.haproxy);
    this.traffic = new EdgeTraffic(this.haproxy.map((node) => node.process.outputFile));
  }

  get #servers(): readonly Server[] {
    return [...this.haproxy, ...this.varnish];
  }

  /** Starts what does not run, also later, when a server has ended by itself. Resolves when all serve. */
  async start(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.start()));
    this.#supervision = Promise.all(this.#servers.map((server) => this.#supervise(server)));
  }

  /** Ends the supervision; the servers go on. */
  async leave(): Promise<void> {
    this.#stopping.abort();
    await this.#supervision;
  }

  /** Ends the servers too. */
  async stop(): Promise<void> {
    await this.leave();
    await Promise.all(this.#servers.map((server) => server.stop()));
  }

  /** Ports of workloads that another program has, by node. */
  get closedPorts(): (ClosedPort & { node: string })[] {
    return this.haproxy.flatMap(({ id: node, closedPorts }) =>
      closedPorts.map((closed) => ({ ...closed, node })),
    );
  }

  get nodes(): readonly TemplateNode[] {
    return this.haproxy;
  }

  /** @throws AppError unavailable if a node cannot be reached */
  async checkTemplate(text: string): Promise<Mistake[]> {
    const owners: PortOwner[] = [];
    const mistakes = await mistakesBy(async () => {
      for (const node of this.haproxy) {
        owners.push({ id: node.id, ports: node.ports(), wanted: node.ports(text) });
      }
    });
    if (mistakes.length > 0) return mistakes;
    for (const { id, listen } of this.varnish) {
      const ports = new Set([Number(listen.split(":").at(-1))]);
      owners.push({ id, ports, wanted: ports });
    }
    const found = await Promise.all(
      this.haproxy.map((node) =>
        node.checkTemplate(
          text,
          owners.filter(({ id }) => id !== node.id),
        ),
      ),
    );
    return distinct(found.flat());
  }

  /** Removes responses from all caches. @throws AppError if a node cannot be reached: it may have them still */
  async ban(ban: Ban): Promise<void> {
    await Promise.all(this.varnish.map((node) => node.ban(ban)));
  }

  async #supervise(server: Server): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        if (server.process.pid === undefined) {
          this.#log.warn("a server of the edge has ended and is started again", {
            node: server.id,
          });
          await server.start();
        }
        await server.openPorts?.();
        await boundLog(server.process.outputFile, LOG_BYTES_MAX);
        await boundLog(server.process.logFile, LOG_BYTES_MAX);
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        this.#log.error("a server of the edge cannot be started or changed", {
          node: server.id,
          message,
        });
      }
      await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}
