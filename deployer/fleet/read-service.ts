import type { Deployment, Service, ServiceEvent, Tag } from "@aws-sdk/client-ecs";

import type { FleetDeployment, FleetEvent, FleetService } from "./fleet-client.ts";

/** A service as the SDK has it, in which every member may be missing. */
export function readService(service: Service): FleetService {
  const { serviceName = "", serviceArn = "", deployments = [], events = [], tags } = service;
  return {
    name: serviceName,
    arn: serviceArn,
    status: statusOf(service.status),
    desiredCount: service.desiredCount ?? 0,
    runningCount: service.runningCount ?? 0,
    pendingCount: service.pendingCount ?? 0,
    deployments: deployments
      .map(readDeployment)
      .toSorted((a, b) => Number(b.isPrimary) - Number(a.isPrimary)),
    events: events.map(readEvent),
    tags: readTags(tags),
  };
}

const statusOf = (status: string | undefined): FleetService["status"] =>
  status === "ACTIVE" || status === "DRAINING" ? status : "INACTIVE";

function readDeployment(deployment: Deployment): FleetDeployment {
  const { id = "", status, taskDefinition = "", rolloutState } = deployment;
  return {
    id,
    isPrimary: status === "PRIMARY",
    taskDefinition,
    desiredCount: deployment.desiredCount ?? 0,
    runningCount: deployment.runningCount ?? 0,
    pendingCount: deployment.pendingCount ?? 0,
    failedTasks: deployment.failedTasks ?? 0,
    rolloutState:
      rolloutState === "COMPLETED" || rolloutState === "FAILED" ? rolloutState : "IN_PROGRESS",
    reason: deployment.rolloutStateReason ?? "",
    createdAtMs: deployment.createdAt?.getTime() ?? 0,
  };
}

const readEvent = ({ id = "", createdAt, message = "" }: ServiceEvent): FleetEvent => ({
  id,
  atMs: createdAt?.getTime() ?? 0,
  message,
});

export const readTags = (tags: readonly Tag[] = []): Record<string, string> =>
  Object.fromEntries(tags.map(({ key = "", value = "" }) => [key, value]));

export const writeTags = (tags: Readonly<Record<string, string>>): Tag[] =>
  Object.entries(tags).map(([key, value]) => ({ key, value }));
