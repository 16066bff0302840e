import type { Deployment, Service, Task, TaskDefinition } from "../state.ts";
import type { EcsState } from "../state.ts";
import { nameIn } from "./arns.ts";

/** Answers in the form of the protocol. Times are epoch seconds; members that are undefined are left out. */

export const seconds = (ms: number | undefined): number | undefined =>
  ms === undefined ? undefined : ms / 1_000;

export function renderDefinition(definition: TaskDefinition): object {
  const { arn, family, revision, status, networkMode, cpu, memory, containers } = definition;
  return {
    ...definition.others,
    taskDefinitionArn: arn,
    containerDefinitions: containers.map((container) => ({
      cpu: 0,
      essential: true,
      environment: [],
      mountPoints: [],
      volumesFrom: [],
      systemControls: [],
      ...container,
      portMappings: (container.portMappings ?? []).map((port) => ({
        hostPort: networkMode === "awsvpc" ? port.containerPort : 0,
        protocol: "tcp",
        ...port,
      })),
    })),
    family,
    revision,
    status,
    networkMode,
    volumes: [],
    placementConstraints: [],
    requiresAttributes: [],
    requiresCompatibilities: definition.requiresCompatibilities,
    compatibilities: networkMode === "awsvpc" ? ["EC2", "FARGATE"] : ["EC2"],
    cpu,
    memory,
    registeredAt: seconds(definition.registeredAtMs),
    deregisteredAt: seconds(definition.deregisteredAtMs),
  };
}

const isPending = ({ lastStatus, desiredStatus }: Task): boolean =>
  desiredStatus === "RUNNING" && lastStatus !== "RUNNING";
const isRunning = ({ lastStatus }: Task): boolean => lastStatus === "RUNNING";

export const countsOf = (
  tasks: readonly Task[],
): { runningCount: number; pendingCount: number } => ({
  runningCount: tasks.filter(isRunning).length,
  pendingCount: tasks.filter(isPending).length,
});

export function renderService(
  service: Service,
  state: EcsState,
  { withTags }: { withTags: boolean },
): object {
  const tasks = [...state.tasks.values()].filter(({ serviceArn }) => serviceArn === service.arn);
  const { networkConfiguration } = service;
  return {
    serviceArn: service.arn,
    serviceName: service.name,
    clusterArn: service.clusterArn,
    loadBalancers: [],
    serviceRegistries: [],
    status: service.status,
    desiredCount: service.desiredCount,
    ...countsOf(tasks),
    launchType: service.launchType,
    platformVersion: service.launchType === "FARGATE" ? "LATEST" : undefined,
    taskDefinition:
      service.deployments[0]?.taskDefinitionArn ?? service.completed?.taskDefinitionArn,
    deploymentConfiguration: service.deploymentConfiguration,
    deployments: service.deployments.map((it, index) =>
      renderDeployment(it, { tasks, service, isPrimary: index === 0 }),
    ),
    events: service.events.map(({ id, createdAtMs, message }) => ({
      id,
      createdAt: seconds(createdAtMs),
      message,
    })),
    createdAt: seconds(service.createdAtMs),
    placementConstraints: [],
    placementStrategy: [],
    networkConfiguration,
    schedulingStrategy: "REPLICA",
    deploymentController: { type: "ECS" },
    enableECSManagedTags: service.enableECSManagedTags,
    propagateTags: service.propagateTags,
    enableExecuteCommand: false,
    availabilityZoneRebalancing: service.availabilityZoneRebalancing,
    tags: withTags ? service.tags : undefined,
  };
}

type InService = { tasks: readonly Task[]; service: Service; isPrimary: boolean };

function renderDeployment(
  deployment: Deployment,
  { tasks, service, isPrimary }: InService,
): object {
  const own = tasks.filter(({ deploymentId }) => deploymentId === deployment.id);
  return {
    id: deployment.id,
    status: isPrimary ? "PRIMARY" : "ACTIVE",
    taskDefinition: deployment.taskDefinitionArn,
    desiredCount: isPrimary ? service.desiredCount : 0,
    ...countsOf(own),
    failedTasks: deployment.failedTasks,
    createdAt: seconds(deployment.createdAtMs),
    updatedAt: seconds(deployment.updatedAtMs),
    launchType: deployment.launchType,
    networkConfiguration: deployment.networkConfiguration,
    rolloutState: deployment.rolloutState,
    rolloutStateReason: deployment.rolloutStateReason,
  };
}

export function renderTask(
  task: Task,
  state: EcsState,
  { withTags }: { withTags: boolean },
): object {
  const definition = state.taskDefinitions.get(task.taskDefinitionArn);
  const isInVpc = definition?.networkMode === "awsvpc";
  return {
    taskArn: task.arn,
    clusterArn: task.clusterArn,
    taskDefinitionArn: task.taskDefinitionArn,
    attachments: isInVpc ? [attachmentOf(task)] : [],
    attributes: [],
    availabilityZone: "local",
    connectivity: task.startedAtMs === undefined ? undefined : "CONNECTED",
    connectivityAt: seconds(task.pendingAtMs),
    containers: task.containers.map((container) => {
      const own = definition?.containers.find(({ name }) => name === container.name);
      const { lastStatus, exitCode, reason, healthStatus, name } = container;
      return {
        containerArn: `${task.arn.replace(":task/", ":container/")}/${name}`,
        taskArn: task.arn,
        name,
        image: own?.image,
        lastStatus,
        exitCode,
        reason,
        healthStatus,
        networkBindings: container.ports.map((port) => ({ bindIP: task.address, ...port })),
        networkInterfaces: isInVpc
          ? [{ attachmentId: attachmentIdOf(task), privateIpv4Address: task.address }]
          : [],
        cpu: String(own?.cpu ?? 0),
        memory: own?.memory === undefined ? undefined : String(own.memory),
      };
    }),
    cpu: String(task.cpu),
    memory: String(task.memory),
    createdAt: seconds(task.createdAtMs),
    desiredStatus: task.desiredStatus,
    enableExecuteCommand: false,
    executionStoppedAt: seconds(task.executionStoppedAtMs),
    group: task.group,
    healthStatus: task.healthStatus,
    lastStatus: task.lastStatus,
    launchType: task.launchType,
    overrides: { containerOverrides: [], ...task.overrides },
    platformVersion: task.launchType === "FARGATE" ? "LATEST" : undefined,
    pullStartedAt: seconds(task.pendingAtMs),
    pullStoppedAt: seconds(task.pendingAtMs),
    startedAt: seconds(task.startedAtMs),
    startedBy: task.startedBy,
    stopCode: task.stopCode,
    stoppedAt: seconds(task.stoppedAtMs),
    stoppedReason: task.stoppedReason,
    stoppingAt: seconds(task.stoppingAtMs),
    tags: withTags ? task.tags : undefined,
    version: task.version,
  };
}

/** As the network interface of a task in a VPC is described. */
function attachmentOf(task: Task): object {
  const subnet = task.networkConfiguration?.awsvpcConfiguration?.subnets[0] ?? "";
  return {
    id: attachmentIdOf(task),
    type: "ElasticNetworkInterface",
    status: task.lastStatus === "STOPPED" ? "DELETED" : "ATTACHED",
    details: [
      { name: "subnetId", value: subnet },
      { name: "networkInterfaceId", value: `eni-${task.id.slice(0, 17)}` },
      { name: "privateIPv4Address", value: task.address },
    ],
  };
}

const attachmentIdOf = ({ arn }: Task): string =>
  nameIn(arn).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, "$1-$2-$3-$4-$5");
