import { type Colour, COLOURS, type Drivers } from "../drivers.ts";
import { Deployer } from "../engine/deployer.ts";
import type { Pace } from "../engine/observer.ts";
import type { NewRequest } from "../engine/requests.ts";
import type { CommandKind } from "../machine/commands.ts";
import type { Deploy } from "../machine/deploy.ts";
import { simpleJudge } from "../machine/judge.ts";
import { STRATEGY } from "../machine/strategy.ts";
import { SIMULATED_LIMITS, SIMULATED_PACE } from "./controllers.ts";
import { SimulatedEdge } from "./edge.ts";
import { SimulatedFleet } from "./fleet.ts";
import { Invariants } from "./invariants.ts";
import { SimulatedOneOffs, SimulatedTraffic } from "./outside.ts";
import { QUIET, type Scenario } from "./scenario.ts";
import { SimulatedJournal } from "./testing-journal.ts";
import { VirtualTime } from "./virtual-time.ts";
import { newProcess, START_MS, World } from "./world.ts";

const SLOTS = 4;
const END_MS = 600_000;
const LOG_LINES = 60;
const process = newProcess();

type Change = (drivers: Drivers) => Drivers;

/** A deployer of several workloads in a simulated world without faults, in which the invariants are checked. */
export async function testDeployer(
  workloads: readonly string[],
  scenario: Partial<Scenario> = {},
  { change = (drivers) => drivers, pace }: { change?: Change; pace?: Partial<Pace> } = {},
) {
  const time = new VirtualTime(START_MS);
  const world = new World({ ...QUIET, ...scenario }, time);
  const simulated = new SimulatedJournal(world);
  const journal = simulated.open(process, new AbortController());
  const parts = partsOfAll(world, workloads);
  for (const [name, { fleet, edge }] of parts) {
    const durable = () => simulated.durable(name);
    void new Invariants(world, { fleet, edge, durable });
  }
  async function run(untilMs: number, isDone: () => boolean): Promise<void> {
    await time.run(untilMs, isDone);
    const [violation] = world.violations;
    if (violation === undefined) return;
    throw new Error([violation, ...world.log.slice(-LOG_LINES)].join("\n"));
  }
  const after = (ms: number): Promise<void> => run(time.nowMs() + ms, () => false);
  /** Lets time pass until the work is done. */
  async function act<Value>(work: Promise<Value>): Promise<Value> {
    let isDone = false;
    const watch = async (): Promise<void> => {
      await Promise.allSettled([work]);
      isDone = true;
    };
    void watch();
    await run(START_MS + END_MS, () => isDone);
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
      await after(50);
    }
  }
  const deployer = await act(
    Deployer.open({
      journal,
      drivers: change(
        driversOf(world, parts, (name) => simulated.durable(name).deploy?.plan.newColour),
      ),
      timer: time,
      limits: SIMULATED_LIMITS,
      pace: { ...SIMULATED_PACE, ...pace },
      judge: simpleJudge(),
      workloads: workloads.map((name) => ({ name, slotsPerColour: SLOTS })),
    }),
  );
  return { deployer, journal, act, state, after, time, world, parts };
}

/** A deployer of one workload, and what people and pipelines do with it. */
export async function testBilling(
  scenario: Partial<Scenario> = {},
  change: Change = (drivers) => drivers,
  pace: Partial<Pace> = {},
) {
  const name = "billing";
  const tested = await testDeployer([name], { load: undefined, ...scenario }, { change, pace });
  const { deployer, journal, act, parts } = tested;
  const found = parts.get(name);
  if (found === undefined) throw new Error(`there is no ${name}`);
  const { fleet, edge } = found;
  const request = async (to: string, more: Partial<NewRequest> = {}): Promise<string> =>
    (await act(deployer.request(requestOf(name, to, more)))).id;
  const command = (id: string, kind: CommandKind): Promise<Deploy> =>
    act(deployer.command(id, { kind, actor: "ana", reason: `ana: ${kind}` }));
  /** Deploys a release from start to end. */
  async function release(to: string, more?: Partial<NewRequest>): Promise<Deploy> {
    return tested.state(await request(to, more), "succeeded");
  }
  const now = async (id: string): Promise<Deploy> => {
    const deploy = await journal.deploy(id);
    if (deploy === undefined) throw new Error(`there is no ${id}`);
    return deploy;
  };
  /** The release and the number of the tasks of a colour. */
  function tasks(colour: Colour): [release: string | undefined, count: number] {
    const all = [...fleet.tasks.values()].filter((it) => it.colour === colour);
    return [all.at(-1)?.release, all.length];
  }
  /** The tasks of each release that has any. */
  const counts = (): Record<string, number> =>
    Object.fromEntries(COLOURS.map(tasks).filter(([, count]) => count > 0));
  /** The share of a colour on each node, in basis points. */
  const shares = (colour: Colour): number[] =>
    edge.inService().map((node) => edge.shareOf(node, colour));
  /** How many tasks of a colour serve on each node. */
  const serving = (colour: Colour): number[] =>
    edge
      .inService()
      .map(
        ({ running }) =>
          running.slots[colour].filter((it) => it.state === "ready" && edge.viewOf(it).up).length,
      );
  const status = () => deployer.status(name);
  return {
    ...tested,
    fleet,
    edge,
    request,
    command,
    release,
    now,
    counts,
    shares,
    serving,
    status,
  };
}

/** Drivers of a fleet and edge nodes for each workload. */
export const testDrivers = (world: World, workloads: readonly string[]): Drivers =>
  driversOf(world, partsOfAll(world, workloads));

type Parts = ReturnType<typeof partsOf>;

function driversOf(
  world: World,
  parts: ReadonlyMap<string, Parts>,
  newColour: (workload: string) => Colour | undefined = () => undefined,
): Drivers {
  const all = [...parts.values()];
  const of = (name: string): Parts => {
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
      read: (name, fromMs) =>
        world.read(process, () => of(name).traffic.read(fromMs, newColour(name) ?? "green")),
    },
  };
}

const partsOfAll = (world: World, workloads: readonly string[]): Map<string, Parts> =>
  new Map(workloads.map((name) => [name, partsOf(world)]));

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
    // With smaller shares some steps would get no request.
    stepsBp: [1_000, 5_000],
    analyseMs: 1_000,
    analyseMsMax: 2_000,
    requestsMin: 1,
    bakeMs: 1_000,
    drainMs: 1_000,
  },
  ...more,
});
