import {
  CreateClusterCommand,
  CreateServiceCommand,
  DeleteServiceCommand,
  DeregisterTaskDefinitionCommand,
  DescribeClustersCommand,
  DescribeServicesCommand,
  DescribeTaskDefinitionCommand,
  DescribeTasksCommand,
  ECSClient,
  ListClustersCommand,
  ListServicesCommand,
  ListTagsForResourceCommand,
  ListTaskDefinitionsCommand,
  ListTasksCommand,
  RegisterTaskDefinitionCommand,
  RunTaskCommand,
  StopTaskCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateServiceCommand,
} from "@aws-sdk/client-ecs";
import { expect, onTestFinished, test } from "vitest";

import { openEndpoint } from "#deployer/ecs-local/open-endpoint.ts";
import { temporaryFolder } from "#deployer/ecs-local/testing.ts";
import { silentLog } from "#platform/log.ts";

import { defaultNetwork, startMoto } from "../harness/moto.ts";

const cluster = "shapes";
const service = "web";
const registered = {
  family: "web",
  networkMode: "bridge" as const,
  containerDefinitions: [
    {
      name: "app",
      image: "test",
      memory: 16,
      command: ["true"],
      environment: [{ name: "A", value: "b" }],
      portMappings: [{ containerPort: 8080, hostPort: 0 }],
      healthCheck: { command: ["CMD", "true"], interval: 10, timeout: 5, retries: 3 },
    },
  ],
  tags: [{ key: "a", value: "b" }],
};
const deploymentConfiguration = {
  strategy: "ROLLING" as const,
  minimumHealthyPercent: 100,
  maximumPercent: 200,
  deploymentCircuitBreaker: { enable: true, rollback: false },
};

type Network = { subnets: string[]; securityGroups: string[] };
const inNetwork = {
  family: "job",
  networkMode: "awsvpc" as const,
  requiresCompatibilities: ["FARGATE" as const],
  cpu: "256",
  memory: "512",
  containerDefinitions: [{ name: "app", image: "test", memory: 16, command: ["true"] }],
};
const runTask = (network: Network): RunTaskCommand =>
  new RunTaskCommand({
    cluster,
    taskDefinition: "job",
    launchType: "FARGATE",
    networkConfiguration: { awsvpcConfiguration: network },
    startedBy: "a",
    overrides: { containerOverrides: [{ name: "app", command: ["sleep", "60"] }] },
    tags: [{ key: "a", value: "b" }],
  });

/** What is sent to both servers, in this order. moto starts nothing. */
const CALLS: Readonly<Record<string, (ecs: ECSClient, network: Network) => Promise<unknown>>> = {
  createCluster: (ecs) => ecs.send(new CreateClusterCommand({ clusterName: cluster })),
  describeClusters: (ecs) => ecs.send(new DescribeClustersCommand({ clusters: [cluster, "none"] })),
  listClusters: (ecs) => ecs.send(new ListClustersCommand({})),
  register: (ecs) => ecs.send(new RegisterTaskDefinitionCommand(registered)),
  registerAgain: (ecs) => ecs.send(new RegisterTaskDefinitionCommand(registered)),
  describeDefinition: (ecs) =>
    ecs.send(new DescribeTaskDefinitionCommand({ taskDefinition: "web", include: ["TAGS"] })),
  listDefinitions: (ecs) => ecs.send(new ListTaskDefinitionsCommand({ familyPrefix: "web" })),
  createService: (ecs) =>
    ecs.send(
      new CreateServiceCommand({
        cluster,
        serviceName: service,
        taskDefinition: "web:1",
        desiredCount: 0,
        deploymentConfiguration,
        tags: [{ key: "a", value: "b" }],
      }),
    ),
  describeServices: (ecs) =>
    ecs.send(new DescribeServicesCommand({ cluster, services: [service, "none"] })),
  listServices: (ecs) => ecs.send(new ListServicesCommand({ cluster })),
  updateService: (ecs) =>
    ecs.send(new UpdateServiceCommand({ cluster, service, taskDefinition: "web:2" })),
  listTasks: (ecs) => ecs.send(new ListTasksCommand({ cluster, serviceName: service })),
  tag: async (ecs) => ecs.send(new TagResourceCommand({ resourceArn: await arnOf(ecs), tags: [] })),
  listTags: async (ecs) =>
    ecs.send(new ListTagsForResourceCommand({ resourceArn: await arnOf(ecs) })),
  untag: async (ecs) =>
    ecs.send(new UntagResourceCommand({ resourceArn: await arnOf(ecs), tagKeys: ["a"] })),
  deleteService: (ecs) => ecs.send(new DeleteServiceCommand({ cluster, service })),
  deregister: (ecs) => ecs.send(new DeregisterTaskDefinitionCommand({ taskDefinition: "web:1" })),

  registerForNetwork: (ecs) => ecs.send(new RegisterTaskDefinitionCommand(inNetwork)),
  runTask: (ecs, network) => ecs.send(runTask(network)),
  listRuns: (ecs) => ecs.send(new ListTasksCommand({ cluster, startedBy: "a" })),
  describeTasks: async (ecs) => {
    const { taskArns = [] } = await ecs.send(new ListTasksCommand({ cluster, startedBy: "a" }));
    return ecs.send(new DescribeTasksCommand({ cluster, tasks: taskArns, include: ["TAGS"] }));
  },

  noCluster: (ecs) => ecs.send(new ListServicesCommand({ cluster: "none" })),
  noDefinition: (ecs) => ecs.send(new DescribeTaskDefinitionCommand({ taskDefinition: "none" })),
  noRevision: (ecs) => ecs.send(new DeregisterTaskDefinitionCommand({ taskDefinition: "web" })),
  noService: (ecs) => ecs.send(new UpdateServiceCommand({ cluster, service: "none" })),
  noServiceToDelete: (ecs) => ecs.send(new DeleteServiceCommand({ cluster, service: "none" })),
  noImage: (ecs) =>
    ecs.send(
      new RegisterTaskDefinitionCommand({
        family: "web",
        containerDefinitions: [{ name: "app", memory: 16, command: ["true"] }],
      }),
    ),
  noTask: (ecs) => ecs.send(new StopTaskCommand({ cluster, task: "none" })),
};

async function arnOf(ecs: ECSClient): Promise<string> {
  const described = new DescribeServicesCommand({ cluster, services: [service] });
  return (await ecs.send(described)).services?.[0]?.serviceArn ?? "";
}

/** Where the answers of the endpoint (+) and of moto (-) differ, and why. */
const REASONS: readonly { difference: RegExp; reason: string }[] = [
  {
    difference:
      /\+ .*\.(?:availabilityZoneRebalancing|enableECSManagedTags|enableExecuteCommand|deploymentConfiguration\.\S+|createdAt|placementConstraints|placementStrategy) (?:string|boolean|number|date|list)$/,
    reason: "Amazon ECS describes services with them, moto accepts and forgets them",
  },
  {
    difference: /\+ .*\.events\[\]\.(?:id|createdAt|message) /,
    reason: "moto has no scheduler, so nothing happens in it",
  },
  {
    difference: /- .*\.deployments\[\]\.platformFamily string$/,
    reason: "moto sends an empty text; tasks of the endpoint run on this machine",
  },
  {
    difference: /- .*\.taskSets list$/,
    reason:
      "only services with an external deployment controller have them, which the endpoint refuses",
  },
  {
    difference: /\+ taskDefinition\.(?:registeredAt|deregisteredAt) date$/,
    reason: "Amazon ECS has them, moto does not",
  },
  {
    difference:
      /\+ taskDefinition\.(?:requiresAttributes|requiresCompatibilities|containerDefinitions\[\]\.systemControls) list$/,
    reason: "Amazon ECS returns empty lists for what was not given, moto leaves these out",
  },
  {
    difference: /\+ taskDefinition\.containerDefinitions\[\]\.portMappings\[\]\.protocol string$/,
    reason: "Amazon ECS returns the default tcp",
  },
  {
    difference: /^register(?:Again|ForNetwork)?: \+ tags/,
    reason: "Amazon ECS returns the tags of a new task definition, moto does not",
  },
  {
    difference: /[cC]lusters?: \+ clusters?(?:\[\])?\.\w+ list$/,
    reason: "Amazon ECS returns empty lists for what was not given, moto leaves them out",
  },
  {
    difference: /[cC]lusters?: - clusters?(?:\[\])?\.settings\[\]/,
    reason: "moto names the setting containerInsights, which the endpoint does not have",
  },
  {
    difference:
      /^(?:runTask|describeTasks): \+ tasks\[\]\.(?:attributes|availabilityZone|cpu|memory|healthStatus|platformVersion|version|containers\[\]\.networkBindings|containers\[\]\.networkInterfaces\[\]\.(?:attachmentId|privateIpv4Address)) /,
    reason: "Amazon ECS describes tasks with them, moto does not",
  },
  {
    difference:
      /^describeTasks: [+-] tasks\[\]\.(?:connectivity|connectivityAt|pullStartedAt|pullStoppedAt|startedAt|containers\[\]\.runtimeId) /,
    reason: "they appear while a task starts, and moto starts none",
  },
  {
    difference: /Tasks?: - tasks\[\]\.(?:containers\[\]\.exitCode number|stoppedReason string)$/,
    reason: "moto has them for tasks that run, Amazon ECS from their end on",
  },
  {
    difference: /^noTask: (?:\+ InvalidParameterException|- SyntaxError)/,
    reason: "moto fails with an HTML page when an unknown task is stopped",
  },
];

/** Each member of an answer with its type: `service.deployments[].id string`. */
function shapeOf(value: unknown, at = ""): string[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) {
    const members: unknown[] = value;
    return [`${at} list`, ...new Set(members.flatMap((it) => shapeOf(it, `${at}[]`)))];
  }
  if (value instanceof Date) return [`${at} date`];
  if (typeof value !== "object" || value === null) return [`${at} ${typeof value}`];
  return Object.entries(value)
    .filter(([name]) => name !== "$metadata")
    .flatMap(([name, member]) => shapeOf(member, at === "" ? name : `${at}.${name}`));
}

async function shapesOf(ecs: ECSClient, network: Network): Promise<Record<string, string[]>> {
  const shapes: Record<string, string[]> = {};
  for (const [name, send] of Object.entries(CALLS)) {
    shapes[name] = await send(ecs, network).then(
      (answer) => shapeOf(answer),
      (error: unknown) => [error instanceof Error ? `${error.name}: ${error.message}` : "error"],
    );
  }
  return shapes;
}

function differences(ours: readonly string[], theirs: readonly string[]): string[] {
  return [
    ...ours.filter((it) => !theirs.includes(it)).map((it) => `+ ${it}`),
    ...theirs.filter((it) => !ours.includes(it)).map((it) => `- ${it}`),
  ];
}

test("answers have the shapes of moto's, except where a reason is given", async (context) => {
  await using moto = await startMoto();
  if (!moto) return context.skip();
  const endpoint = await openEndpoint({ folder: temporaryFolder(), log: silentLog() });
  onTestFinished(() => endpoint.stop());
  const credentials = { accessKeyId: "testing", secretAccessKey: "testing" };
  const theirs = new ECSClient({
    endpoint: moto.url,
    region: "eu-west-1",
    credentials,
    maxAttempts: 1,
  });
  const { url, ...ours } = endpoint.address;
  const own = new ECSClient({ ...ours, endpoint: url, maxAttempts: 1 });
  onTestFinished(() => {
    theirs.destroy();
    own.destroy();
  });
  const network = await defaultNetwork(moto);
  const [ownShapes, theirShapes] = [await shapesOf(own, network), await shapesOf(theirs, network)];
  const found = Object.entries(ownShapes).flatMap(([name, shape]) =>
    differences(shape, theirShapes[name] ?? []).map((it) => `${name}: ${it}`),
  );
  const isExplained = (it: string): boolean =>
    REASONS.some(({ difference }) => difference.test(it));
  expect(found.filter((it) => !isExplained(it))).toEqual([]);
  const unused = REASONS.filter(({ difference }) => !found.some((it) => difference.test(it)));
  expect(unused.map(({ reason }) => reason)).toEqual([]);
  expect(Object.values(ownShapes).flat().length).toBeGreaterThan(300);
});
