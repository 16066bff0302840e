import { EcsError } from "../protocol/ecs-error.ts";
import type { Tag } from "../shapes.ts";
import type { EcsState, Task, TaskDefinition } from "../state.ts";
import { placeFor } from "./network.ts";
import type { World } from "./world.ts";

export type NewTask = Pick<
  Task,
  "clusterArn" | "group" | "launchType" | "overrides" | "networkConfiguration"
> & {
  definition: TaskDefinition;
  startedBy?: string;
  serviceArn?: string;
  tags: readonly Tag[];
};

export function createTask(state: EcsState, world: World, wanted: NewTask): Task {
  const { definition, startedBy, serviceArn, tags, ...own } = wanted;
  const id = world.newId();
  const place = placeFor(world, state.tasks.values());
  return {
    ...own,
    ...(startedBy === undefined ? {} : { startedBy }),
    ...(serviceArn === undefined ? {} : { serviceArn, deploymentId: startedBy }),
    arn: `${own.clusterArn.replace(":cluster/", ":task/")}/${id}`,
    id,
    taskDefinitionArn: definition.arn,
    ...reservationOf(definition),
    address: place.address,
    tags: [...tags],
    desiredStatus: "RUNNING",
    lastStatus: "PROVISIONING",
    healthStatus: "UNKNOWN",
    containers: definition.containers.map((container) => ({
      name: container.name,
      lastStatus: "PENDING",
      healthStatus: "UNKNOWN",
      ports: place.portsOf(container),
      isLaunched: false,
    })),
    isAccounted: false,
    version: 1,
    createdAtMs: world.nowMs,
  };
}

/** CPU units and MiB that a task reserves: its own, else those of its containers. */
function reservationOf(definition: TaskDefinition): { cpu: number; memory: number } {
  const sum = (of: "cpu" | "memory"): number =>
    definition.containers.reduce((total, container) => total + (container[of] ?? 0), 0);
  return {
    cpu: Number(definition.cpu ?? sum("cpu")),
    memory: Number(definition.memory ?? sum("memory")),
  };
}

/** The resource that does not suffice for one more task, if any. */
export function lacking(
  state: EcsState,
  { capacity }: Pick<World, "capacity">,
  definition: TaskDefinition,
): "CPU" | "MEMORY" | undefined {
  const left = remaining(state, capacity);
  const needed = reservationOf(definition);
  if (needed.cpu > left.cpu) return "CPU";
  return needed.memory > left.memory ? "MEMORY" : undefined;
}

/** What the tasks that have not stopped leave of the capacity. */
export function remaining(state: EcsState, capacity: World["capacity"]): World["capacity"] {
  const left = { ...capacity };
  for (const { lastStatus, cpu, memory } of state.tasks.values()) {
    if (lastStatus === "STOPPED") continue;
    left.cpu -= cpu;
    left.memory -= memory;
  }
  return left;
}

/** @throws EcsError where the task definition is not there (any more) */
export function definitionOf(state: EcsState, arn: string): TaskDefinition {
  const found = state.taskDefinitions.get(arn);
  if (found) return found;
  throw new EcsError("ClientException", `The task definition ${arn} does not exist.`);
}
