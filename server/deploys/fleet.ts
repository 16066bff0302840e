import type { FleetAnswer, FleetTask as TaskView } from "#dashboards/deploys/fleet-messages.ts";
import { COLOURS, type Colour } from "#deployer/drivers.ts";
import type { Deployer } from "#deployer/engine/deployer.ts";
import { FLEET_CALL_MS_MAX, RELEASE_TAG, serviceOf } from "#deployer/fleet/colour-fleet.ts";
import type { FleetClient, FleetService, FleetTask } from "#deployer/fleet/fleet-client.ts";
import { endpointOf, idOf } from "#deployer/fleet/read-task.ts";
import { AppError } from "#platform/errors.ts";

import type { RoleFleet } from "./role-fleet.ts";
import type { DeploysService } from "./service.ts";
import type { ManagedWorkloads } from "./workloads/all-workloads.ts";

/** Names in one request to the fleet. */
const NAMES_MAX = 10;
const EVENTS_MAX = 30;
const STOPPED_MAX = 10;

export type FleetDeps = {
  deployer: Deployer;
  fleet: Pick<RoleFleet, "client" | "place" | "outputOf">;
  workloads: ManagedWorkloads;
};

/** What runs in the fleet. */
export function fleetOf(options: FleetDeps): Pick<DeploysService, "fleet" | "taskLog"> {
  const { place, outputOf } = options.fleet;
  const deps = { ...options, releases: new Map<string, Promise<string | null>>() };
  return {
    fleet: async () => ({ place, services: await asked(() => servicesOf(deps)) }),
    async taskLog({ task: id, container }) {
      const task = await findTask(deps, id);
      const names = task.containers.map(({ name }) => name);
      const name = container ?? names[0] ?? "";
      const output = names.includes(name) ? await outputOf(task, name) : undefined;
      if (output === undefined) {
        const known = names.join(", ");
        throw new AppError("not_found", `The task has no container ${name}: it has ${known}.`);
      }
      const nothing = { text: "", isCut: false, keptIn: null };
      return { task: id, container: name, ...nothing, ...output };
    },
  };
}

/** What the fleet refuses to this process says nothing about who asks. @throws AppError unavailable */
async function asked<Value>(ask: () => Promise<Value>): Promise<Value> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw new AppError("unavailable", error.message, { cause: error });
  }
}

/** `releases`: by task definition, which does not change. */
type Deps = FleetDeps & { releases: Map<string, Promise<string | null>> };
type ReadDeps = Deps & { client: FleetClient };
type Named = { name: string; workload: string; colour: Colour };

async function servicesOf(deps: Deps): Promise<FleetAnswer["services"]> {
  const client = deps.fleet.client.until(AbortSignal.timeout(FLEET_CALL_MS_MAX));
  const named = deps.deployer.workloads.flatMap((workload): Named[] =>
    COLOURS.map((colour) => ({ name: serviceOf(workload, colour), workload, colour })),
  );
  const found: FleetAnswer["services"] = [];
  for (let from = 0; from < named.length; from += NAMES_MAX) {
    const part = named.slice(from, from + NAMES_MAX);
    const services = await client.services(part.map(({ name }) => name));
    for (const [index, service] of services.entries()) {
      const names = part[index];
      if (service && names) found.push(await serviceView(service, names, { ...deps, client }));
    }
  }
  return found;
}

async function serviceView(
  service: FleetService,
  names: Named,
  deps: ReadDeps,
): Promise<FleetAnswer["services"][number]> {
  const { client, deployer, workloads } = deps;
  const { name, status, desiredCount, runningCount, pendingCount, events } = service;
  const [primary] = service.deployments;
  const { live } = deployer.status(names.workload).workload;
  const [running, stopped] = await Promise.all([client.tasks(name), client.tasks(name, "STOPPED")]);
  const ended = stopped.toSorted((a, b) => b.createdAtMs - a.createdAtMs).slice(0, STOPPED_MAX);
  const { port } = workloads.find(names.workload).workload;
  return {
    ...names,
    status,
    isLive: live === names.colour,
    release: (primary && (await releaseOf(primary.taskDefinition, deps))) ?? null,
    desired: desiredCount,
    running: runningCount,
    pending: pendingCount,
    rollout: primary?.rolloutState ?? "COMPLETED",
    rolloutReason: primary?.reason ?? "",
    failedTasks: primary?.failedTasks ?? 0,
    events: events.slice(0, EVENTS_MAX),
    tasks: await Promise.all([...running, ...ended].map((task) => taskView(task, deps, port))),
  };
}

function releaseOf(taskDefinition: string, { client, releases }: ReadDeps): Promise<string | null> {
  const known = releases.get(taskDefinition);
  if (known !== undefined) return known;
  const read = client.tagsOf(taskDefinition).then((tags) => tags[RELEASE_TAG] ?? null);
  releases.set(taskDefinition, read);
  read.catch(() => releases.delete(taskDefinition));
  return read;
}

async function taskView(task: FleetTask, deps: ReadDeps, port: number): Promise<TaskView> {
  const at = endpointOf(task, port);
  return {
    id: idOf(task.arn),
    release: await releaseOf(task.taskDefinition, deps),
    status: task.lastStatus,
    desiredStatus: task.desiredStatus,
    health: task.health,
    address: at ? `${at.host}:${at.port}` : null,
    createdAtMs: task.createdAtMs,
    startedAtMs: task.startedAtMs ?? null,
    stoppedAtMs: task.stoppedAtMs ?? null,
    stoppedReason: task.stoppedReason ?? null,
    containers: task.containers.map(({ name, lastStatus, exitCode, reason }) => {
      return { name, status: lastStatus, exitCode: exitCode ?? null, reason: reason ?? null };
    }),
  };
}

async function findTask({ fleet }: FleetDeps, id: string): Promise<FleetTask> {
  const client = fleet.client.until(AbortSignal.timeout(FLEET_CALL_MS_MAX));
  const [task] = await asked(() => client.tasksByArn([id]));
  if (task) return task;
  throw new AppError("not_found", `There is no task ${id}, or it ended more than an hour ago.`);
}
