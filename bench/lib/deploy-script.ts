import { randomBytes } from "node:crypto";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { SERVICE_NAMES, type ServiceName } from "#api/kit/service.ts";
import type { EdgeConfig, FleetColour, Slot } from "#deployer/drivers.ts";
import { type Endpoint, openEndpoint } from "#deployer/ecs-local/open-endpoint.ts";
import { openLocalClient } from "#deployer/ecs-local/open-local-client.ts";
import { LocalProcess } from "#deployer/edge/processes/local-process.ts";
import { ColourFleet } from "#deployer/fleet/colour-fleet.ts";
import { AppError } from "#platform/errors.ts";
import { silentLog } from "#platform/log.ts";
import type { Edge } from "#server/deploys/edge-port.ts";
import { openHaproxyEdge } from "#server/deploys/haproxy-edge.ts";
import { openWorkloads } from "#server/deploys/workloads/all-workloads.ts";
import { catalogueOf } from "#server/deploys/workloads/managed-workload.ts";

const HOST = "127.0.0.1";
const POLL_MS = 100;
/** It has nothing else to do. */
const CALL_MS_MAX = 60_000;
const SLOTS = 4;
const NODES = ["lb1", "lb2"];
const EMPTY: Slot = { address: null, state: "maint" };

/**
 * What many use instead of a deployer: a script that stops the old tasks, starts the new ones, renders the configuration of HAProxy with
 * them, and reloads it. It uses the same fleet, tasks and edge.
 */
export class DeployScript implements AsyncDisposable {
  readonly #dataFolder: string;
  readonly #endpoint: Endpoint;
  readonly #fleet: ColourFleet;
  readonly #edge: Edge;
  readonly #slots = new Map<string, readonly Slot[]>();
  #version = 0;

  private constructor(parts: {
    dataFolder: string;
    endpoint: Endpoint;
    fleet: ColourFleet;
    edge: Edge;
  }) {
    this.#dataFolder = parts.dataFolder;
    this.#endpoint = parts.endpoint;
    this.#fleet = parts.fleet;
    this.#edge = parts.edge;
  }

  static async open(dataFolder: string, env: Record<string, string>): Promise<DeployScript> {
    const log = silentLog();
    const edgePort = Number(env["QUARTERDECK_EDGE_PORT"]);
    const workloads = openWorkloads(dataFolder, {
      env,
      edgePort,
      edgeHost: HOST,
      followsDemo: false,
      ecs: undefined,
    });
    const endpoint = await openEndpoint({ folder: path.join(dataFolder, "deploys", "fleet"), log });
    const client = await openLocalClient(endpoint);
    const fleet = new ColourFleet(client, catalogueOf(workloads.find), {
      callMsMax: CALL_MS_MAX,
    });
    const portOf = (name: string): number => workloads.find(name).edgePort;
    const edge = openHaproxyEdge({ dataFolder, host: HOST, portOf, edgePort }, log);
    await edge.start(
      workloads.all.map(({ workload: { name, checkPath }, edgePort: port }) => {
        return { name, port, slotsPerColour: SLOTS, checkPath };
      }),
    );
    return new DeployScript({ dataFolder, endpoint, fleet, edge });
  }

  urlOf = (name: ServiceName): string => this.#edge.urlsOf(name)[0] ?? "";

  /** @returns the tasks that serve now, by their ids */
  async deploy(workload: ServiceName, release: string, count: number): Promise<string[]> {
    const deploy = `dep_${randomBytes(12).toString("hex")}`;
    const wanted = { workload, colour: "blue", release, deploy } as const;
    await this.#fleet.ensure({ ...wanted, count: 0 });
    await this.#until(workload, ({ tasks }) => tasks.length === 0);
    await this.#fleet.ensure({ ...wanted, count });
    const { tasks } = await this.#until(
      workload,
      (it) => it.deploy === deploy && it.tasks.filter(({ healthy }) => healthy).length === count,
    );
    await this.#configure(
      workload,
      release,
      tasks.map(({ address }) => address),
    );
    for (const id of NODES) this.reload(id);
    return tasks.map(({ id }) => id);
  }

  reload(node: string): void {
    const folder = path.join(this.#dataFolder, "deploys", "edge", node);
    new LocalProcess({ folder, name: "haproxy", command: [] }).signal("SIGUSR2");
  }

  async #until(workload: string, holds: (view: FleetColour) => boolean): Promise<FleetColour> {
    for (;;) {
      const { blue } = await this.#fleet.read(workload);
      if (holds(blue)) return blue;
      await delay(POLL_MS);
    }
  }

  /** Until it succeeds: a node that reloads cannot be reached, or has what was before for a moment. */
  async #configure(workload: string, release: string, tasks: readonly string[]): Promise<void> {
    const empty = Array.from({ length: SLOTS }, () => EMPTY);
    const ready = empty.map((slot, at): Slot => {
      const address = tasks[at];
      return address === undefined ? slot : { address, state: "ready" };
    });
    // An address changes only in maint.
    const before = this.#slots.get(workload) ?? empty;
    const gone = before.map(({ address }): Slot => ({ address, state: "maint" }));
    this.#slots.set(workload, ready);
    for (;;) {
      try {
        await this.#apply(workload, release, gone);
        return await this.#apply(workload, release, ready);
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
      }
      await delay(POLL_MS);
    }
  }

  async #apply(workload: string, release: string, blue: readonly Slot[]): Promise<void> {
    this.#version += 1;
    const config: EdgeConfig = {
      version: this.#version,
      route: { live: "blue", next: "green", splitBp: 0 },
      releases: { blue: release, green: null },
      slots: { blue, green: blue.map(() => EMPTY) },
    };
    await Promise.all(NODES.map((node) => this.#edge.driver.apply(node, workload, config)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of SERVICE_NAMES) {
      const stop = { workload: name, colour: "blue", release: "", count: 0, deploy: "" } as const;
      await this.#fleet.ensure(stop).catch(() => undefined);
    }
    await this.#edge.close("stop");
    await this.#endpoint.stop();
  }
}
