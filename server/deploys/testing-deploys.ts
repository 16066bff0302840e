import type { Drivers } from "#deployer/drivers.ts";
import { Deployer } from "#deployer/engine/deployer.ts";
import { PACE } from "#deployer/engine/observer.ts";
import { systemTimer } from "#deployer/engine/timer.ts";
import type { FleetClient } from "#deployer/fleet/fleet-client.ts";
import { openJournal } from "#deployer/journal/open-journal.ts";
import { simpleJudge } from "#deployer/machine/judge.ts";
import { systemClock as clock } from "#platform/clock.ts";

import { calendarOf } from "./calendar.ts";
import { Changes } from "./changes.ts";
import { deploysOf } from "./deploys.ts";
import { edgeChangesOf } from "./edge-changes.ts";
import { edgeOf } from "./edge.ts";
import { fleetOf } from "./fleet.ts";
import type { Deploys } from "./follow-deploys.ts";
import { openLocalEdge } from "./local-edge.ts";
import { LOCAL_LIMITS, LOCAL_STRATEGY } from "./pace.ts";
import type { DeploysService } from "./service.ts";
import { openWorkloads } from "./workloads/all-workloads.ts";

const startEdge = (): Promise<void> => Promise.resolve();
const edgeWatch = { problemsOf: () => [], notesOf: () => [] };

const NOTHING = { release: undefined, deploy: undefined, desired: 0, failedTasks: 0, tasks: [] };
const EMPTY = { ...NOTHING, rollout: "completed" } as const;

/** A fleet that accepts everything and never starts a task, and no edge node runs, so that deploys stand still. */
const still: Drivers["fleet"] = {
  read: () => Promise.resolve({ blue: EMPTY, green: EMPTY }),
  ensure: () => Promise.resolve(),
};
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the views call no other methods
const client = {
  until: () => client,
  services: (names: readonly string[]) => Promise.resolve(names.map(() => undefined)),
  tasksByArn: () => Promise.resolve([]),
} as unknown as FleetClient;
const fleet = { client, place: "nowhere", outputOf: () => Promise.resolve(undefined) };

/** The real service of the role, in this process, with a fleet that stands still. */
export async function testDeploys(
  dataFolder: string,
): Promise<Deploys & { service: DeploysService }> {
  const journal = await openJournal({ dataFolder, databaseUrl: undefined });
  if (journal === undefined) throw new Error("another process has the journal");
  const workloads = openWorkloads(dataFolder, {
    env: {},
    edgeHost: "127.0.0.1",
    edgePort: 1,
    followsDemo: false,
    ecs: undefined,
  });
  const edge = openLocalEdge({ dataFolder, host: "127.0.0.1", portOf: () => 1 }, client);
  const changes = new Changes();
  const deployer = await Deployer.open({
    journal,
    drivers: {
      fleet: still,
      edge: edge.driver,
      traffic: edge.traffic,
      oneOffs: { read: () => Promise.resolve({ status: "running" }), run: () => Promise.resolve() },
    },
    timer: systemTimer,
    limits: LOCAL_LIMITS,
    pace: { ...PACE, activeMs: 50, idleMs: 100 },
    judge: simpleJudge(),
    workloads: workloads.all.map(({ workload, slots }) => {
      return { name: workload.name, slotsPerColour: slots };
    }),
    onChange: (change) => changes.notify(change),
  });
  const common = {
    edge,
    edgeWatch,
    startEdge,
    deployer,
    journal,
    workloads,
    changes,
    clock,
    defaults: LOCAL_STRATEGY,
  };
  const service: DeploysService = {
    ...deploysOf(common),
    ...calendarOf(common),
    ...fleetOf({ ...common, fleet }),
    ...edgeOf({ deployer, edge, edgeWatch, clock }),
    ...edgeChangesOf({ deployer, edge, clock, events: { addEvents: () => undefined } }),
  };
  return {
    service,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the service has the types of its verbs
    ask: ((verb, input) => service[verb](input as never)) as Deploys["ask"],
    isConnected: () => true,
    async stop() {
      deployer.close();
      await edge.close("keep");
      await journal[Symbol.asyncDispose]();
    },
  };
}
