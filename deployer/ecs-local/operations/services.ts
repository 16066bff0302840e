import { z } from "zod";

import { EcsError } from "../protocol/ecs-error.ts";
import { addDeployment } from "../scheduler/rollout.ts";
import { NetworkConfiguration, Tag } from "../shapes.ts";
import { DeploymentConfiguration, put, type Service, type TaskDefinition } from "../state.ts";
import { isArn } from "./arns.ts";
import { fingerprintOf, knownRequest, requestOf } from "./client-token.ts";
import { clusterOf, findService, serviceOf, usableDefinition } from "./find.ts";
import { type Context, hasTags, include, input, type Operation, read, write } from "./operation.ts";
import { paging, sortedPageOf } from "./paging.ts";
import { renderService } from "./render.ts";

const DESCRIBED_MAX = 10;
const LISTED = 10;

const percent = z.int().min(0).max(400).optional();
const Configuration = input({
  minimumHealthyPercent: z.int().min(0).max(100).optional(),
  maximumPercent: percent,
  deploymentCircuitBreaker: DeploymentConfiguration.shape.deploymentCircuitBreaker.optional(),
  strategy: z.literal("ROLLING", { error: "the local endpoint supports ROLLING only" }).optional(),
}).optional();

const DEFAULTS: DeploymentConfiguration = {
  minimumHealthyPercent: 100,
  maximumPercent: 200,
  deploymentCircuitBreaker: { enable: false, rollback: false },
  strategy: "ROLLING",
};

const settings = {
  cluster: z.string().optional(),
  desiredCount: z.int().min(0).max(1_000).optional(),
  deploymentConfiguration: Configuration,
  networkConfiguration: NetworkConfiguration.optional(),
  availabilityZoneRebalancing: z.enum(["ENABLED", "DISABLED"]).optional(),
  enableECSManagedTags: z.boolean().optional(),
  propagateTags: z.enum(["SERVICE", "TASK_DEFINITION", "NONE"]).optional(),
  platformVersion: z.string().optional(),
};

const Create = input({
  ...settings,
  serviceName: z.string().regex(/^[A-Za-z0-9_-]{1,255}$/),
  taskDefinition: z.string(),
  clientToken: z.string().max(36).optional(),
  launchType: z.enum(["EC2", "FARGATE"]).default("EC2"),
  schedulingStrategy: z.literal("REPLICA").optional(),
  deploymentController: z.object({ type: z.literal("ECS") }).optional(),
  tags: z.array(Tag).max(50).default([]),
});
type Create = z.infer<typeof Create>;

const Update = input({
  ...settings,
  service: z.string(),
  taskDefinition: z.string().optional(),
  forceNewDeployment: z.boolean().default(false),
});
type Update = z.infer<typeof Update>;

export const serviceOperations: Readonly<Record<string, Operation>> = {
  CreateService: write(Create, (wanted, context) => {
    const cluster = clusterOf(context, wanted.cluster);
    const arn = context.arns.service(cluster.arn, wanted.serviceName);
    const request = {
      arn: `CreateService/${wanted.clientToken ?? arn}`,
      fingerprint: fingerprintOf(wanted),
    };
    const known = knownRequest(context, request.arn);
    const existing = context.state.services.get(known?.resources[0] ?? arn);
    if (existing && existing.status !== "INACTIVE") {
      if (existing.status === "DRAINING") {
        refuse("Unable to Start a service that is still Draining.");
      }
      if (known?.fingerprint !== request.fingerprint) {
        refuse("Creation of service was not idempotent.");
      }
      return { state: context.state, output: rendered(existing, context, true) };
    }
    const service = newService(wanted, { arn, clusterArn: cluster.arn }, context);
    const state = put(
      put(context.state, "services", service),
      "requests",
      requestOf(request, [arn], context),
    );
    return { state, output: rendered(service, { ...context, state }, true) };
  }),

  UpdateService: write(Update, (wanted, context) => {
    const cluster = clusterOf(context, wanted.cluster);
    const service = serviceOf(context, cluster, wanted.service);
    if (service.status !== "ACTIVE") {
      throw new EcsError("ServiceNotActiveException", "Service was not ACTIVE.");
    }
    const updated = updateService(service, wanted, context);
    const state = put(context.state, "services", updated);
    return { state, output: rendered(updated, { ...context, state }, true) };
  }),

  DeleteService: write(
    input({
      cluster: z.string().optional(),
      service: z.string(),
      force: z.boolean().default(false),
    }),
    ({ cluster: given, service: name, force }, context) => {
      const cluster = clusterOf(context, given);
      const service = serviceOf(context, cluster, name);
      if (service.status === "ACTIVE" && service.desiredCount > 0 && !force) {
        refuse("The service cannot be stopped while it is scaled above 0.");
      }
      const deleted: Service =
        service.status === "ACTIVE" ? { ...service, status: "DRAINING", desiredCount: 0 } : service;
      const state = put(context.state, "services", deleted);
      return { state, output: rendered(deleted, { ...context, state }, true) };
    },
  ),

  DescribeServices: read(
    input({ cluster: z.string().optional(), services: z.array(z.string()).min(1), include }),
    ({ cluster: given, services, include: included }, context) => {
      const cluster = clusterOf(context, given);
      if (services.length > DESCRIBED_MAX) {
        refuse(`Services cannot have more than ${DESCRIBED_MAX} elements.`);
      }
      const found = services.map((name) => ({
        name,
        service: findService(context, cluster, name),
      }));
      const withTags = hasTags(included);
      return {
        services: found.flatMap(({ service }) =>
          service ? [renderService(service, context.state, { withTags })] : [],
        ),
        failures: found.flatMap(({ name, service }) => {
          const arn = isArn(name) ? name : context.arns.service(cluster.arn, name);
          return service ? [] : [{ arn, reason: "MISSING" }];
        }),
      };
    },
  ),

  ListServices: read(
    input({
      ...paging,
      cluster: z.string().optional(),
      launchType: z.string().optional(),
      schedulingStrategy: z.string().optional(),
    }),
    ({ cluster: given, launchType, schedulingStrategy = "REPLICA", ...page }, context) => {
      const cluster = clusterOf(context, given);
      const found = [...context.state.services.values()].filter(
        (it) =>
          it.clusterArn === cluster.arn &&
          it.status !== "INACTIVE" &&
          schedulingStrategy === "REPLICA" &&
          (launchType ?? it.launchType) === it.launchType,
      );
      const arns = found.map(({ arn }) => arn);
      const { page: serviceArns, next } = sortedPageOf(arns, { maxResults: LISTED, ...page });
      return { serviceArns, ...next };
    },
  ),
};

function refuse(message: string): never {
  throw new EcsError("InvalidParameterException", message);
}

const rendered = (service: Service, { state }: Context, withTags: boolean): object => ({
  service: renderService(service, state, { withTags }),
});

type Identity = { arn: string; clusterArn: string };

function newService(wanted: Create, identity: Identity, context: Context): Service {
  const { world } = context;
  const definition = usableDefinition(context, wanted.taskDefinition);
  checkNetwork(definition, wanted);
  const { networkConfiguration, launchType } = wanted;
  const service: Service = {
    ...identity,
    name: wanted.serviceName,
    status: "ACTIVE",
    desiredCount: wanted.desiredCount ?? 0,
    deploymentConfiguration: configured(DEFAULTS, wanted.deploymentConfiguration),
    launchType,
    networkConfiguration,
    availabilityZoneRebalancing: wanted.availabilityZoneRebalancing ?? "ENABLED",
    enableECSManagedTags: wanted.enableECSManagedTags ?? false,
    propagateTags: wanted.propagateTags ?? "NONE",
    tags: wanted.tags,
    deployments: [],
    events: [],
    createdAtMs: world.nowMs,
  };
  const taskDefinitionArn = definition.arn;
  return addDeployment(service, { taskDefinitionArn, launchType, networkConfiguration }, world);
}

/** A new deployment is made only if tasks would differ, or if it is forced. */
function updateService(service: Service, wanted: Update, context: Context): Service {
  const [primary] = service.deployments;
  const { networkConfiguration = service.networkConfiguration } = wanted;
  const { taskDefinition: given = primary?.taskDefinitionArn ?? "" } = wanted;
  const taskDefinitionArn =
    given === primary?.taskDefinitionArn ? given : usableDefinition(context, given).arn;
  const definition = context.state.taskDefinitions.get(taskDefinitionArn);
  if (definition) checkNetwork(definition, { networkConfiguration });
  const updated = withSettings({ ...service, networkConfiguration }, wanted);
  const isChanged =
    taskDefinitionArn !== primary?.taskDefinitionArn ||
    JSON.stringify(networkConfiguration) !== JSON.stringify(service.networkConfiguration);
  if (!isChanged && !wanted.forceNewDeployment) return updated;
  const { launchType } = service;
  const deployment = { taskDefinitionArn, launchType, networkConfiguration };
  return addDeployment(updated, deployment, context.world);
}

const withSettings = (service: Service, wanted: Update): Service => ({
  ...service,
  desiredCount: wanted.desiredCount ?? service.desiredCount,
  deploymentConfiguration: configured(
    service.deploymentConfiguration,
    wanted.deploymentConfiguration,
  ),
  availabilityZoneRebalancing:
    wanted.availabilityZoneRebalancing ?? service.availabilityZoneRebalancing,
  enableECSManagedTags: wanted.enableECSManagedTags ?? service.enableECSManagedTags,
  propagateTags: wanted.propagateTags ?? service.propagateTags,
});

function configured(
  before: DeploymentConfiguration,
  wanted: z.infer<typeof Configuration>,
): DeploymentConfiguration {
  return {
    minimumHealthyPercent: wanted?.minimumHealthyPercent ?? before.minimumHealthyPercent,
    maximumPercent: wanted?.maximumPercent ?? before.maximumPercent,
    deploymentCircuitBreaker: wanted?.deploymentCircuitBreaker ?? before.deploymentCircuitBreaker,
    strategy: "ROLLING",
  };
}

/** @throws EcsError */
export function checkNetwork(
  { networkMode }: TaskDefinition,
  { networkConfiguration }: Pick<Create, "networkConfiguration">,
): void {
  const isGiven = networkConfiguration?.awsvpcConfiguration !== undefined;
  if (networkMode === "awsvpc" && !isGiven) {
    refuse("Network Configuration must be provided when networkMode 'awsvpc' is specified.");
  }
  if (networkMode !== "awsvpc" && isGiven) {
    refuse("Network Configuration is not valid for the given networkMode of this task definition.");
  }
}
