import type { Deployment, Service } from "../state.ts";
import { addEvent, type At } from "./service-events.ts";

const ID_DIGITS = 19;

type Wanted = Pick<Deployment, "taskDefinitionArn" | "launchType" | "networkConfiguration"> & {
  reason?: string;
};

/** The service with a new primary deployment, which replaces the tasks of the earlier ones. */
export function addDeployment(service: Service, { reason, ...wanted }: Wanted, at: At): Service {
  const id = newDeploymentId(at);
  const deployment: Deployment = {
    ...wanted,
    id,
    createdAtMs: at.nowMs,
    updatedAtMs: at.nowMs,
    rolloutState: "IN_PROGRESS",
    rolloutStateReason: reason ?? `ECS deployment ${id} in progress.`,
    failedTasks: 0,
    earlyEnds: 0,
    nextStartAtMs: at.nowMs,
  };
  return {
    ...service,
    deployments: [deployment, ...service.deployments],
    steadySinceMs: undefined,
  };
}

function newDeploymentId({ newId }: At): string {
  const digits = BigInt(`0x${newId().slice(0, 16)}`)
    .toString()
    .padStart(ID_DIGITS, "0");
  return `ecs-svc/${digits.slice(-ID_DIGITS)}`;
}

/** The primary deployment has succeeded; nothing changes if that was known. */
export function completeRollout(service: Service, at: At): Service {
  const [primary, ...others] = service.deployments;
  if (primary?.rolloutState !== "IN_PROGRESS") return service;
  const { id, taskDefinitionArn } = primary;
  const completed: Deployment = {
    ...primary,
    rolloutState: "COMPLETED",
    rolloutStateReason: `ECS deployment ${id} completed.`,
    updatedAtMs: at.nowMs,
  };
  const next: Service = {
    ...service,
    deployments: [completed, ...others],
    completed: { deploymentId: id, taskDefinitionArn },
  };
  return addEvent(next, `(deployment ${id}) deployment completed.`, at);
}

/** The circuit breaker stops the primary deployment, and returns to the last completed one if it is configured to. */
export function failRollout(service: Service, at: At): Service {
  const [primary, ...others] = service.deployments;
  if (!primary) return service;
  const failed: Deployment = {
    ...primary,
    rolloutState: "FAILED",
    rolloutStateReason: "ECS deployment circuit breaker: tasks failed to start.",
    updatedAtMs: at.nowMs,
  };
  const message = `(deployment ${primary.id}) deployment failed: tasks failed to start.`;
  const next = addEvent({ ...service, deployments: [failed, ...others] }, message, at);
  const { completed } = service;
  const { rollback } = service.deploymentConfiguration.deploymentCircuitBreaker;
  if (!rollback || completed === undefined || completed.deploymentId === primary.id) return next;
  const { deploymentId, taskDefinitionArn } = completed;
  const reason = `ECS deployment circuit breaker: rolling back to deploymentId ${deploymentId}.`;
  const rolledBack = restoreDeployment(next, { deploymentId, taskDefinitionArn, reason }, at);
  return addEvent(rolledBack, `rolling back to deployment ${deploymentId}.`, at);
}

type Restored = { deploymentId: string; taskDefinitionArn: string; reason: string };

/** A deployment that still has tasks keeps them. */
function restoreDeployment(service: Service, restored: Restored, at: At): Service {
  const { deploymentId, taskDefinitionArn, reason } = restored;
  const earlier = service.deployments.find(({ id }) => id === deploymentId);
  if (!earlier) {
    const { launchType, networkConfiguration } = service;
    const wanted = { taskDefinitionArn, launchType, networkConfiguration, reason };
    return addDeployment(service, wanted, at);
  }
  const primary: Deployment = {
    ...earlier,
    rolloutState: "IN_PROGRESS",
    rolloutStateReason: reason,
    updatedAtMs: at.nowMs,
  };
  const others = service.deployments.filter((it) => it !== earlier);
  return { ...service, deployments: [primary, ...others], steadySinceMs: undefined };
}
