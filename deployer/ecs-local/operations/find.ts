import { EcsError } from "../protocol/ecs-error.ts";
import type { Cluster, Service, Task, TaskDefinition } from "../state.ts";
import { isArn, nameIn } from "./arns.ts";
import type { Context } from "./operation.ts";

/** Resources by the names or ARNs of requests. */

export function findCluster({ state, arns }: Context, given = "default"): Cluster | undefined {
  return state.clusters.get(isArn(given) ? given : arns.cluster(given));
}

/** @throws EcsError */
export function clusterOf(context: Context, given?: string): Cluster {
  const cluster = findCluster(context, given);
  if (cluster?.status === "ACTIVE") return cluster;
  throw new EcsError("ClusterNotFoundException", "Cluster not found.");
}

export function findService(
  { state, arns }: Context,
  cluster: Cluster,
  given: string,
): Service | undefined {
  return state.services.get(isArn(given) ? given : arns.service(cluster.arn, given));
}

/** @throws EcsError */
export function serviceOf(context: Context, cluster: Cluster, given: string): Service {
  const service = findService(context, cluster, given);
  if (service) return service;
  throw new EcsError("ServiceNotFoundException", "Service not found.");
}

export function findTask(
  { state, arns }: Context,
  cluster: Cluster,
  given: string,
): Task | undefined {
  return state.tasks.get(isArn(given) ? given : arns.task(cluster.arn, given));
}

/** By ARN, `family:revision`, or the family alone, whose latest active revision is meant. */
export function findDefinition(
  { state, arns }: Context,
  given: string,
): TaskDefinition | undefined {
  const [family = "", revision] = nameIn(given).split(":");
  if (revision !== undefined) {
    return state.taskDefinitions.get(
      isArn(given) ? given : arns.taskDefinition(family, Number(revision)),
    );
  }
  return [...state.taskDefinitions.values()]
    .filter((it) => it.family === family && it.status === "ACTIVE")
    .toSorted((a, b) => b.revision - a.revision)[0];
}

/** A task definition that tasks can be started from. @throws EcsError */
export function usableDefinition(context: Context, given: string): TaskDefinition {
  const definition = findDefinition(context, given);
  if (!definition) throw new EcsError("ClientException", "TaskDefinition not found.");
  if (definition.status !== "ACTIVE") {
    throw new EcsError("ClientException", "TaskDefinition is inactive");
  }
  return definition;
}
