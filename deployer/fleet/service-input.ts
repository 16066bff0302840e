import type {
  CreateServiceCommandInput,
  DeploymentConfiguration,
  NetworkConfiguration,
} from "@aws-sdk/client-ecs";

import type { Target } from "./fleet-client.ts";
import { writeTags } from "./read-service.ts";

export type FleetPlace = {
  cluster: string;
  launchType: "FARGATE" | "EC2";
  network: { subnets: string[]; securityGroups?: string[] };
};

/**
 * The scheduler starts and stops nothing by itself but to keep the count. It never rolls back: what it would return to is
 * the release before the last one (docs/adr/0008-blue-green-with-two-services.md).
 */
export const DEPLOYMENT: DeploymentConfiguration = {
  strategy: "ROLLING",
  minimumHealthyPercent: 100,
  maximumPercent: 200,
  deploymentCircuitBreaker: {
    enable: true,
    rollback: false,
    resetOnHealthyTask: false,
    thresholdConfiguration: { type: "COUNT", value: 3 },
  },
};

export const networkOf = ({ network }: FleetPlace): NetworkConfiguration => ({
  awsvpcConfiguration: network,
});

/** The service of one colour of a workload. */
export const serviceInput = (
  place: FleetPlace,
  service: Target & { name: string; tags: Readonly<Record<string, string>> },
): CreateServiceCommandInput => ({
  cluster: place.cluster,
  serviceName: service.name,
  taskDefinition: service.taskDefinition,
  desiredCount: service.count,
  launchType: place.launchType,
  networkConfiguration: networkOf(place),
  schedulingStrategy: "REPLICA",
  deploymentController: { type: "ECS" },
  deploymentConfiguration: DEPLOYMENT,
  availabilityZoneRebalancing: "DISABLED",
  enableECSManagedTags: true,
  propagateTags: "TASK_DEFINITION",
  tags: writeTags(service.tags),
});
