import { writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { inspect } from "node:util";

import { onTestFinished } from "vitest";

import type { Drivers, OneOff, OneOffView } from "#deployer/drivers.ts";
import { openLocalClient } from "#deployer/ecs-local/open-local-client.ts";
import { openTestFleet } from "#deployer/ecs-local/testing.ts";
import { openTestLocalEdge } from "#deployer/edge/local/testing.ts";
import type { NewRequest } from "#deployer/engine/requests.ts";
import { type Catalogue, ColourFleet } from "#deployer/fleet/colour-fleet.ts";
import { STRATEGY } from "#deployer/machine/strategy.ts";

import { type Controller, openController, SLOTS, WORKLOAD } from "./controller.ts";

const PORT = 8080;
const CLIENTS = 4;

/** Answers with its release. `broken` ends at once, `dies` as soon as it has got a request. */
const PROGRAM = `
import { createServer } from "node:http";
const { TASK_ADDRESS, TASK_PORT_${PORT}, RELEASE } = process.env;
if (RELEASE === "broken") process.exit(9);
const server = createServer((request, response) => {
  if (RELEASE === "dies" && request.url === "/work") process.exit(7);
  setTimeout(() => {
    response.setHeader("x-release", RELEASE);
    response.end("done");
  }, 5);
});
server.keepAliveTimeout = 60_000;
server.listen(TASK_PORT_${PORT}, TASK_ADDRESS);
process.on("SIGTERM", () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
`;

/** A real local fleet and edge nodes for one workload, which outlive its controllers. */
export async function openDeployWorld() {
  const local = await openTestFleet();
  const client = await openLocalClient(local.endpoint);
  onTestFinished(() => client.close());
  const file = path.join(local.folder, "program.mjs");
  writeFileSync(file, PROGRAM);
  const edge = await openTestLocalEdge({ slotsPerColour: SLOTS });
  onTestFinished(() => edge[Symbol.asyncDispose]());
  const urls = edge.nodes.map(({ url: node }) => node);
  const traffic: Drivers["traffic"] = {
    read: async (workload, fromMs) => ({
      lanes: await edge.counts(workload, fromMs),
      peakRps: undefined,
    }),
  };
  const fleet = new ColourFleet(client, catalogueOf(file));
  const oneOffs = new OneOffs(fleet);
  const drivers: Drivers = { fleet, edge: edge.driver, oneOffs, traffic };

  /** Opens a controller that continues from the journal. */
  async function control(): Promise<Controller> {
    const controller = await openController(local.folder, drivers);
    onTestFinished(controller.close);
    return controller;
  }
  return { ...local, urls, drivers, control };
}

const catalogueOf =
  (file: string): Catalogue =>
  (workload, release) =>
    Promise.resolve({
      manifest: {
        family: workload,
        networkMode: "awsvpc",
        containerDefinitions: [
          {
            name: "app",
            image: `${workload}:${release}`,
            memory: 64,
            command: [process.execPath, file],
            environment: [{ name: "RELEASE", value: release }],
            portMappings: [{ containerPort: PORT }],
            healthCheck: {
              command: ["HTTP", `http://127.0.0.1:${PORT}/healthz`],
              interval: 5,
              timeout: 60,
              retries: 10,
              startPeriod: 100,
            },
            stopTimeout: 120,
          },
        ],
      },
      port: PORT,
    });

/** Verifies that each new task answers with its release; other work has nothing to do. */
class OneOffs {
  readonly #fleet: Drivers["fleet"];
  readonly #runs = new Map<string, OneOffView>();

  constructor(fleet: Drivers["fleet"]) {
    this.#fleet = fleet;
  }

  read(token: string): Promise<OneOffView> {
    return Promise.resolve(this.#runs.get(token) ?? { status: "absent" });
  }

  async run(token: string, work: OneOff): Promise<void> {
    if (this.#runs.has(token)) return;
    this.#runs.set(token, { status: "running" });
    this.#runs.set(token, work.kind === "verify" ? await this.#verify(work) : SUCCEEDED);
  }

  async #verify({ workload, colour, release }: OneOff): Promise<OneOffView> {
    try {
      const { tasks } = (await this.#fleet.read(workload))[colour];
      for (const { address } of tasks.filter(({ healthy }) => healthy)) {
        const response = await fetch(`http://${address}/healthz`);
        const got = response.headers.get("x-release");
        if (got !== release) return { status: "failed", reason: `${address} has ${got}` };
      }
      return SUCCEEDED;
    } catch (error) {
      return { status: "failed", reason: String(error) };
    }
  }
}

const SUCCEEDED: OneOffView = { status: "succeeded" };

export const requestOf = (release: string, strategy: Partial<NewRequest["strategy"]> = {}) => ({
  workload: WORKLOAD,
  release,
  actor: "ana",
  reason: "a release",
  count: 2,
  migrations: { expand: false, contract: false },
  strategy: {
    ...STRATEGY,
    stepsBp: [2_000, 5_000],
    analyseMs: 300,
    analyseMsMax: 10_000,
    requestsMin: 5,
    bakeMs: 300,
    drainMs: 2_000,
    ...strategy,
  },
});

/** Clients that send idempotent requests one after the other, to each node in turn, and never repeat one. */
export function startClients(urls: readonly string[]) {
  const stopping = new AbortController();
  const releases: string[] = [];
  const failed: string[] = [];
  const client = async (index: number): Promise<void> => {
    for (let turn = index; !stopping.signal.aborted; turn += 1) {
      try {
        const response = await fetch(`${urls[turn % urls.length]}/work`);
        const body = await response.text();
        if (response.status !== 200 || body !== "done") failed.push(`${response.status} ${body}`);
        else releases.push(response.headers.get("x-release") ?? "");
      } catch (error) {
        failed.push(inspect(error));
      }
      await delay(20);
    }
  };
  const running = Promise.all(Array.from({ length: CLIENTS }, (_, index) => client(index)));
  const stop = async (): Promise<void> => {
    stopping.abort();
    await running;
  };
  onTestFinished(stop);
  return { releases, failed, stop };
}
