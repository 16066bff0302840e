import { once } from "node:events";

import { Deployer } from "#deployer/engine/deployer.ts";
import { systemTimer } from "#deployer/engine/timer.ts";
import { ColourFleet } from "#deployer/fleet/colour-fleet.ts";
import type { Journal } from "#deployer/journal/port.ts";
import type { Deploy } from "#deployer/machine/deploy.ts";
import { simpleJudge } from "#deployer/machine/judge.ts";
import { OneOffs } from "#deployer/one-offs/one-offs.ts";
import { VERIFY } from "#deployer/one-offs/verify.ts";
import { WARM_UP } from "#deployer/one-offs/warm-up.ts";
import { systemClock as clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import type { Log } from "#platform/log.ts";
import type { Environment } from "#platform/settings/settings.ts";

import type { DeploysSettings } from "../settings.ts";
import { calendarOf } from "./calendar.ts";
import { Changes } from "./changes.ts";
import { keepDeployingApis } from "./deploy-apis.ts";
import { DeployEvents } from "./deploy-events.ts";
import { deploysOf } from "./deploys.ts";
import { openEcsFleet } from "./ecs/open-ecs-fleet.ts";
import { addTemplateEvents, edgeChangesOf } from "./edge-changes.ts";
import type { Edge, EdgeWorkload } from "./edge-port.ts";
import { EdgeWatch } from "./edge-watch.ts";
import { edgeOf } from "./edge.ts";
import { fleetOf } from "./fleet.ts";
import { keepToPlace } from "./keep-to-place.ts";
import { openLocalFleet } from "./local-fleet.ts";
import { openEdge } from "./open-edge.ts";
import { readPlace } from "./read-place.ts";
import { removedText } from "./removed-workload.ts";
import type { RoleFleet } from "./role-fleet.ts";
import { serveDeploys } from "./serve-deploys.ts";
import { ShownBus, shownBusUrl } from "./shown-bus.ts";
import { takeJournal } from "./take-journal.ts";
import { topPaths } from "./top-paths.ts";
import { type ManagedWorkloads, openWorkloads } from "./workloads/all-workloads.ts";
import { catalogueOf, migrationOf } from "./workloads/managed-workload.ts";

const RECENT_MAX = 50;

export type DeploysRoleOptions = {
  settings: DeploysSettings;
  env: Environment;
  log: Log;
  /** What becomes of the tasks when the role is told to stop: with the control plane they stop; alone, and after a failure, they go on. */
  atStop: "stop-tasks" | "keep-tasks";
  /** Whether it deploys the domain APIs by itself, which have the data of the demo while it is shown. */
  servesApis: boolean;
  /** Called when deploys are possible. */
  onOpen?(names: readonly string[]): void;
  /** Called when it has to wait until it may work. */
  onWait?(why: string): void;
};

/**
 * Runs the deployer, the fleet and the edge until the signal aborts. It continues what the role before left, whenever that was
 * killed: nothing is kept but in the journal, the fleet and the edge.
 * @throws AppError if settings or files are wrong, if another process deploys on the data folder, or if this one was replaced while
 * it was suspended
 */
export async function runDeploysRole(
  options: DeploysRoleOptions,
  signal: AbortSignal,
): Promise<void> {
  const { settings, env, log, atStop, servesApis, onOpen, onWait = () => undefined } = options;
  const { dataFolder, edgeHost, edgePort, journalUrl: databaseUrl } = settings;
  await using started = new AsyncDisposableStack();
  // Mistakes are told before anything waits or is changed.
  const ecs = readPlace(settings, atStop);
  const workloads = openWorkloads(dataFolder, {
    env,
    edgeHost,
    edgePort,
    followsDemo: servesApis,
    ecs,
  });
  const remote = ecs && (await openEcsFleet(ecs, log));
  started.defer(() => remote?.close(atStop));
  keepToPlace(dataFolder, ecs);
  const journal = await takeJournal({ dataFolder, databaseUrl, log, onWait }, signal);
  if (journal === undefined) return;
  started.use(journal);
  // Only who was told to stop stops tasks: after a failure, such as that of the database, they serve on until the next role.
  const tasksAtEnd = (): DeploysRoleOptions["atStop"] =>
    signal.aborted && !journal.lost.aborted ? atStop : "keep-tasks";
  const fleet = remote ?? (await openLocalFleet(dataFolder, log));
  if (fleet !== remote) started.defer(() => fleet.close(tasksAtEnd()));
  const edge = openEdge({ settings, workloads, client: fleet.client, log });
  started.defer(() => edge.close(tasksAtEnd() === "stop-tasks" ? "stop" : "keep"));
  const bus = new ShownBus(() => shownBusUrl(settings));
  started.use(bus);
  const events = await DeployEvents.open(bus, log);
  started.defer(() => events.close());
  const changes = new Changes();
  const parts = { settings, journal, workloads, fleet, edge, events, changes };
  const deployer = await openDeployer(parts);
  started.defer(() => deployer.close());
  const recent = await recentDeploys(journal);
  events.add({ deploys: recent });
  warnOfRemoved(recent, { deployer, log });
  const edgeWatch = watchEdge({ ...parts, deployer, log });
  started.use(edgeWatch);
  // It is tried again and shown; what runs goes on meanwhile.
  if (isUsed(deployer)) await edgeWatch.start().catch(() => undefined);
  const startEdge = (): Promise<void> => edgeWatch.start();
  const common = { ...parts, deployer, clock, edgeWatch };
  const deps = { ...common, startEdge, defaults: fleet.pace.strategy };
  const service = {
    ...deploysOf(deps),
    ...calendarOf(deps),
    ...fleetOf(deps),
    ...edgeOf(deps),
    ...edgeChangesOf(deps),
  };
  started.use(await serveDeploys(dataFolder, service, log));
  onOpen?.(deployer.workloads);
  if (servesApis) {
    void keepDeployingApis({ deployer, workloads, service, dataFolder, env, log }, signal);
  }
  await untilOver(journal, signal);
}

function watchEdge({
  edge,
  events,
  deployer,
  workloads,
  log,
}: Pick<Parts, "edge" | "events" | "workloads"> & { deployer: Deployer; log: Log }): EdgeWatch {
  const start = async (): Promise<void> => {
    await edge.start(edgeWorkloadsOf(deployer, workloads));
    addTemplateEvents({ edge, events });
  };
  return new EdgeWatch({ edge, start, log });
}

/** Whether any workload was deployed. */
const isUsed = (deployer: Deployer): boolean =>
  deployer.workloads
    .map((name) => deployer.status(name))
    .some(({ active, workload }) => active !== undefined || workload.configVersion > 0);

/** The number of slots is that of the journal, which grows with the settings and does not shrink with them. */
const edgeWorkloadsOf = (deployer: Deployer, { all }: ManagedWorkloads): EdgeWorkload[] =>
  all.map(({ workload: { name, checkPath }, edgePort }) => {
    const slotsPerColour = deployer.status(name).workload.slots.blue.length;
    return { name, port: edgePort, slotsPerColour, checkPath };
  });

type Parts = {
  settings: DeploysSettings;
  journal: Journal;
  workloads: ManagedWorkloads;
  fleet: RoleFleet;
  edge: Edge;
  events: DeployEvents;
  changes: Changes;
};

function warnOfRemoved(
  recent: readonly Deploy[],
  { deployer, log }: { deployer: Deployer; log: Log },
): void {
  for (const deploy of recent) {
    const isLeft = deploy.times.doneMs === null && !deployer.workloads.includes(deploy.workload);
    if (isLeft) log.warn(removedText(deploy), { deploy: deploy.id });
  }
}

/** Those whose last events may not have been written. */
const recentDeploys = (journal: Journal): Promise<Deploy[]> =>
  journal.history({ before: Number.MAX_SAFE_INTEGER, limit: RECENT_MAX });

function openDeployer({ events, changes, ...parts }: Parts): Promise<Deployer> {
  const { journal, workloads, fleet, edge } = parts;
  const { callMsMax, observe, limits, judge } = fleet.pace;
  const { client, outputOf } = fleet;
  const catalogue = catalogueOf(workloads.find);
  const colours = new ColourFleet(client, catalogue, { callMsMax, outputOf });
  return Deployer.open({
    journal,
    drivers: {
      fleet: colours,
      edge: edge.driver,
      traffic: edge.traffic,
      oneOffs: oneOffsOf({ ...parts, events, colours }),
    },
    timer: systemTimer,
    limits,
    pace: observe,
    judge: simpleJudge(judge),
    workloads: workloads.all.map(({ workload, slots }) => {
      return { name: workload.name, slotsPerColour: slots };
    }),
    heldBack: () => edge.configuration?.underWay,
    onChange(change) {
      events.add(change);
      changes.notify(change);
    },
  });
}

function oneOffsOf({
  settings,
  journal,
  workloads,
  fleet,
  edge,
  events,
  colours,
}: Omit<Parts, "changes"> & { colours: ColourFleet }): OneOffs {
  return new OneOffs({
    verify: {
      fleet: colours,
      checkPathOf: (name) => workloads.find(name).workload.checkPath,
      limits: VERIFY,
    },
    warmUp: {
      topPaths: (name) => topPaths(settings, name, WARM_UP.paths),
      previewsOf: async (name, colour) => edge.previewsOf(name, colour),
      limits: WARM_UP,
    },
    migrate: {
      fleet: fleet.client,
      migrationOf: async ({ workload, kind, release }) => {
        if (kind !== "expand" && kind !== "contract") throw new Error(`${kind} is no migration`);
        return migrationOf(workloads.find(workload), { kind, release });
      },
      outputOf: fleet.outputOf,
    },
    announce: async ({ deploy: id }) => {
      const deploy = await journal.deploy(id);
      if (deploy) await events.written(deploy);
    },
  });
}

/** @throws AppError conflict when another process has become the writer */
async function untilOver({ lost }: Journal, signal: AbortSignal): Promise<void> {
  await Promise.race([untilAborted(signal), untilAborted(lost)]);
  if (!lost.aborted) return;
  const message =
    "Another process has taken over the deploys, or the connection to their database was lost.";
  throw new AppError("conflict", message);
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}
