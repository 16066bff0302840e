import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import { vi } from "vitest";

import { silentLog } from "#platform/log.ts";

import { type Colour, COLOURS, type EdgeConfig, type Slot } from "../drivers.ts";
import { EdgeServers, type EdgeServersOptions } from "./edge-servers.ts";
import { emptyConfig } from "./haproxy/render-node.ts";
import { serverAddress } from "./haproxy/testing-haproxy.ts";
import { findProgram } from "./processes/find-program.ts";

const SLOTS = 3;
const WAIT = { timeout: 30_000, interval: 50 };

/** Two HAProxy and two Varnish on free ports, with the workload `web`. */
export async function openServers(
  folder: string,
  options: Partial<EdgeServersOptions> = {},
): Promise<EdgeServers> {
  const programs = {
    haproxy: findProgram("haproxy") ?? "",
    varnishd: findProgram("varnishd") ?? "",
    varnishadm: findProgram("varnishadm") ?? "",
  };
  return new EdgeServers({
    folder,
    programs,
    workloads: [{ name: "web", checkPath: "/healthz", slots: SLOTS }],
    haproxy: [
      { id: "lb1", listen: { web: await serverAddress() }, internal: await serverAddress() },
      { id: "lb2", listen: { web: await serverAddress() }, internal: await serverAddress() },
    ],
    varnish: { cache1: await serverAddress(), cache2: await serverAddress() },
    cacheMb: 32,
    controlNetworks: ["127.0.0.0/8"],
    responseMs: 10_000,
    headMs: 10_000,
    log: silentLog(),
    ...options,
  });
}

/** A task in a process of its own. */
export class LoadTask {
  readonly address: string;
  readonly #child: ChildProcess;

  private constructor(address: string, child: ChildProcess) {
    this.address = address;
    this.#child = child;
  }

  static async start(release: string): Promise<LoadTask> {
    const module = fileURLToPath(new URL("testing-load-task.ts", import.meta.url));
    const child = fork(module, [release], { execArgv: [] });
    const [port] = await once(child, "message");
    return new LoadTask(`127.0.0.1:${String(port)}`, child);
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }
}

/** The web on all nodes of an edge. */
export class Web {
  readonly servers: EdgeServers;
  config: EdgeConfig = emptyConfig({ slots: SLOTS });

  constructor(servers: EdgeServers) {
    this.servers = servers;
  }

  get urls(): string[] {
    return this.servers.haproxy.map(({ settings }) => `http://${settings.listen["web"]}`);
  }

  /** The next version, on all nodes. */
  async apply(changes: Partial<EdgeConfig>): Promise<void> {
    this.config = { ...this.config, ...changes, version: this.config.version + 1 };
    const { haproxy, driver } = this.servers;
    await Promise.all(haproxy.map(({ id }) => driver.apply(id, "web", this.config)));
  }

  route(route: Partial<EdgeConfig["route"]>): Promise<void> {
    return this.apply({ route: { ...this.config.route, ...route } });
  }

  slots(colour: Colour, slots: readonly Slot[]): Promise<void> {
    const filled = Array.from(
      { length: SLOTS },
      (_, at): Slot => slots[at] ?? { address: null, state: "maint" },
    );
    return this.apply({ slots: { ...this.config.slots, [colour]: filled } });
  }

  state(colour: Colour, state: Slot["state"]): Promise<void> {
    const used = this.config.slots[colour].filter(({ address }) => address !== null);
    return this.slots(
      colour,
      used.map((slot) => ({ ...slot, state })),
    );
  }

  /** Tasks serve as a colour, after each node has checked them. */
  async admit(
    colour: Colour,
    release: string,
    tasks: readonly { address: string }[],
  ): Promise<void> {
    await this.apply({ releases: { ...this.config.releases, [colour]: release } });
    await this.slots(
      colour,
      tasks.map(({ address }) => ({ address, state: "drain" })),
    );
    await vi.waitFor(async () => {
      const slots = (await this.#views()).flatMap((view) => view.slots[colour]);
      const waiting = slots.filter(({ address, up }) => address !== null && !up);
      if (waiting.length > 0) throw new Error(`${waiting.length} tasks are not up`);
    }, WAIT);
    await this.state(colour, "ready");
  }

  /** No new requests, and then, without open ones, nothing more. */
  async retire(colour: Colour): Promise<void> {
    await this.state(colour, "drain");
    await vi.waitFor(async () => {
      const slots = (await this.#views()).flatMap((view) => view.slots[colour]);
      const open = slots.reduce((sum, { sessions }) => sum + sessions, 0);
      if (open > 0) throw new Error(`${open} sessions are open`);
    }, WAIT);
    await this.state(colour, "maint");
  }

  async #views() {
    const { haproxy, driver } = this.servers;
    return Promise.all(haproxy.map(({ id }) => driver.read(id, "web")));
  }
}

export const otherOf = (colour: Colour): Colour => COLOURS[colour === "blue" ? 1 : 0];
