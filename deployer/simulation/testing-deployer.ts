import type { Drivers } from "../drivers.ts";
import { Deployer } from "../engine/deployer.ts";
import type { NewRequest } from "../engine/requests.ts";
import type { Deploy } from "../machine/deploy.ts";
import { simpleJudge } from "../machine/judge.ts";
import { STRATEGY } from "../machine/strategy.ts";
import { SIMULATED_LIMITS, SIMULATED_PACE } from "./controllers.ts";
import { SimulatedEdge } from "./edge.ts";
import { SimulatedFleet } from "./fleet.ts";
import { SimulatedOneOffs, SimulatedTraffic } from "./outside.ts";
import { QUIET, type Scenario } from "./scenario.ts";
import { SimulatedJournal } from "./testing-journal.ts";
import { VirtualTime } from "./virtual-time.ts";
import { newProcess, START_MS, World } from "./world.ts";

const SLOTS = 4;
const END_MS = 600_000;
const process = newProcess();

/** A deployer of several workloads in a simulated world without faults. */
export async function testDeployer(workloads: readonly string[], scenario: Partial<Scenario> = {}) {
  const time = new VirtualTime(START_MS);
  const world = new World({ ...QUIET, ...scenario }, time);
  const journal = new SimulatedJournal(world).open(process, new AbortController());
  /** Lets time pass until the work is done. */
  async function act<Value>(work: Promise<Value>): Promise<Value> {
    let isDone = false;
    const watch = async (): Promise<void> => {
      await Promise.allSettled([work]);
      isDone = true;
    };
    void watch();
    await time.run(START_MS + END_MS, () => isDone);
    return work;
  }
  /** Lets time pass until the deploy is in the state, and returns it. */
  async function state(id: string, wanted: Deploy["state"]): Promise<Deploy> {
    for (;;) {
      const deploy = await journal.deploy(id);
      if (deploy?.state === wanted) return deploy;
      if (time.nowMs() >= START_MS + END_MS || deploy?.times.doneMs !== null) {
        throw new Error(`${id} is ${deploy?.state}: ${deploy?.reason ?? ""}`);
      }
      await time.run(time.nowMs() + 50, () => false);
    }
  }
  const deployer = await act(
    Deployer.open({
      journal,
      drivers: testDrivers(world, workloads),
      timer: time,
      limits: SIMULATED_LIMITS,
      pace: SIMULATED_PACE,
      judge: simpleJudge(),
      workloads: workloads.map((name) => ({ name, slotsPerColour: SLOTS })),
    }),
  );
  return { deployer, journal, act, state };
}

/** Drivers of a fleet and edge nodes for each workload. */
export function testDrivers(world: World, workloads: readonly string[]): Drivers {
  const parts = new Map(workloads.map((name) => [name, partsOf(world)]));
  const all = [...parts.values()];
  const of = (name: string): ReturnType<typeof partsOf> => {
    const found = parts.get(name);
    if (found === undefined) throw new Error(`there is no ${name}`);
    return found;
  };
  return {
    fleet: {
      read: (name) => world.read(process, () => of(name).fleet.view()),
      ensure: (request) => world.write(process, () => of(request.workload).fleet.ensure(request)),
    },
    edge: {
      nodes: () => world.read(process, () => all[0]?.edge.list() ?? []),
      read: (node, name) => world.read(process, () => of(name).edge.read(node)),
      apply: (node, name, config) => world.write(process, () => of(name).edge.apply(node, config)),
      closeSessions: (node, { workload, colour, overMs }) =>
        world.write(process, () => of(workload).edge.closeSessions(node, colour, overMs)),
    },
    oneOffs: {
      read: (token) =>
        world.read(process, () => {
          const views = all.map(({ oneOffs }) => oneOffs.read(token));
          return views.find(({ status }) => status !== "absent") ?? { status: "absent" };
        }),
      run: (token, work) => world.write(process, () => of(work.workload).oneOffs.run(token, work)),
    },
    traffic: {
      read: (name, fromMs) => world.read(process, () => of(name).traffic.read(fromMs, "green")),
    },
  };
}

function partsOf(world: World) {
  const fleet = new SimulatedFleet(world);
  const edge = new SimulatedEdge(world, fleet);
  for (let count = 0; count < world.scenario.nodes; count += 1) edge.join(SLOTS);
  const oneOffs = new SimulatedOneOffs(world, { fleet, edge });
  return { fleet, edge, oneOffs, traffic: new SimulatedTraffic(world, edge) };
}

export const requestOf = (
  workload: string,
  release: string,
  more: Partial<NewRequest> = {},
): NewRequest => ({
  workload,
  release,
  actor: "ana",
  reason: "a release",
  count: 2,
  migrations: { expand: false, contract: false },
  strategy: {
    ...STRATEGY,
    analyseMs: 1_000,
    analyseMsMax: 2_000,
    requestsMin: 1,
    bakeMs: 1_000,
    drainMs: 1_000,
  },
  ...more,
});
