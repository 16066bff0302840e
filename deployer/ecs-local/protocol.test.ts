import {
  CreateClusterCommand,
  CreateServiceCommand,
  DeleteClusterCommand,
  DeleteServiceCommand,
  DeregisterTaskDefinitionCommand,
  DescribeClustersCommand,
  DescribeContainerInstancesCommand,
  DescribeServicesCommand,
  DescribeTaskDefinitionCommand,
  DescribeTasksCommand,
  ECSClient,
  GetTaskProtectionCommand,
  ListContainerInstancesCommand,
  ListServicesCommand,
  ListTagsForResourceCommand,
  ListTaskDefinitionsCommand,
  ListTasksCommand,
  paginateListServices,
  paginateListTasks,
  PutAccountSettingCommand,
  RegisterTaskDefinitionCommand,
  RunTaskCommand,
  StopTaskCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateServiceCommand,
  UpdateTaskProtectionCommand,
} from "@aws-sdk/client-ecs";
import * as fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";

import { Faults } from "./faults.ts";
import { OPERATIONS } from "./operations/index.ts";
import {
  clientOf,
  CLUSTER,
  createService,
  describe,
  HEALTHY,
  NETWORK,
  openTestFleet,
  register,
  script,
  SLEEP,
  tasksOf,
  untilSteady,
} from "./testing.ts";

test("requests that name what is not there get the errors of Amazon ECS", async () => {
  const { ecs } = await openTestFleet();
  const taskDefinition = await register(ecs, "web", script(SLEEP));
  const missing = { cluster: CLUSTER, service: "none" };
  const named = (name: string, message: string | RegExp) =>
    expect.objectContaining({ name, message: expect.stringMatching(message) as string });
  const send = (sending: Promise<unknown>) => expect(sending).rejects;
  await send(ecs.send(new DescribeServicesCommand({ cluster: "none", services: ["a"] }))).toEqual(
    named("ClusterNotFoundException", /^Cluster not found\.$/),
  );
  await send(ecs.send(new UpdateServiceCommand(missing))).toEqual(
    named("ServiceNotFoundException", /^Service not found\.$/),
  );
  await send(ecs.send(new DeleteServiceCommand(missing))).toEqual(
    named("ServiceNotFoundException", /./),
  );
  await send(ecs.send(new ListTasksCommand({ cluster: CLUSTER, serviceName: "none" }))).toEqual(
    named("ServiceNotFoundException", /./),
  );
  await send(ecs.send(new DescribeTaskDefinitionCommand({ taskDefinition: "none" }))).toEqual(
    named("ClientException", /^Unable to describe task definition\.$/),
  );
  await send(ecs.send(new DeregisterTaskDefinitionCommand({ taskDefinition: "web" }))).toEqual(
    named("ClientException", /^Revision is missing\.$/),
  );
  await send(ecs.send(new StopTaskCommand({ cluster: CLUSTER, task: "none" }))).toEqual(
    named("InvalidParameterException", /^The referenced task was not found\.$/),
  );
  await send(ecs.send(new RunTaskCommand({ cluster: CLUSTER, taskDefinition }))).toEqual(
    named("InvalidParameterException", /^Network Configuration must be provided/),
  );
  await send(
    ecs.send(
      new DescribeServicesCommand({ cluster: CLUSTER, services: Array<string>(11).fill("a") }),
    ),
  ).toEqual(named("InvalidParameterException", /10/));
  const others = [{ targetGroupArn: "arn", containerName: "app", containerPort: 1 }];
  await send(
    createService(ecs, { taskDefinition, desiredCount: 1, loadBalancers: others }),
  ).toEqual(named("UnsupportedFeatureException", /loadBalancers/));
  await send(
    ecs.send(new PutAccountSettingCommand({ name: "containerInsights", value: "on" })),
  ).toEqual(named("UnknownOperationException", /PutAccountSetting/));
  const services = await ecs.send(
    new DescribeServicesCommand({ cluster: CLUSTER, services: ["none"] }),
  );
  const tasks = await ecs.send(new DescribeTasksCommand({ cluster: CLUSTER, tasks: ["none"] }));
  const clusters = await ecs.send(new DescribeClustersCommand({ clusters: ["none", CLUSTER] }));
  for (const { failures = [] } of [services, tasks, clusters]) {
    expect(failures).toMatchObject([{ reason: "MISSING" }]);
    expect(failures[0]?.arn).toMatch(/^arn:aws:ecs:.*\/none$/);
  }
  expect(clusters.clusters).toMatchObject([{ clusterName: CLUSTER, status: "ACTIVE" }]);
});

test.each([
  ["no name", {}, /name/],
  ["no image", { image: "" }, /Container\.image should not be null or empty/],
  ["no memory", { memory: undefined }, /At least one of 'memory' or 'memoryReservation'/],
  ["no command", { command: [] }, /needs a command/],
  ["secrets", { secrets: [{ name: "A", valueFrom: "b" }] }, /does not support secrets/],
  ["an unknown dependency", { dependsOn: [{ containerName: "b", condition: "START" }] }, /'b'/],
  [
    "a dependency on itself",
    { dependsOn: [{ containerName: "app", condition: "START" }] },
    /circular/,
  ],
  ["an unknown health check", { healthCheck: { command: ["NONE"] } }, /health check/],
  ["a health check too often", { healthCheck: { command: ["CMD", "x"], interval: 1 } }, /interval/],
] as const)("a task definition with %s is refused", async (name, change, message) => {
  const { ecs } = await openTestFleet();
  const container = { ...script(SLEEP), ...(name === "no name" ? { name: "" } : {}), ...change };
  await expect(
    ecs.send(
      new RegisterTaskDefinitionCommand({
        family: "web",
        containerDefinitions: [container as ReturnType<typeof script>],
      }),
    ),
  ).rejects.toThrow(message);
});

test("creating a service twice is one service, and with other parameters an error", async () => {
  const { ecs } = await openTestFleet();
  const taskDefinition = await register(ecs, "web", script(SLEEP));
  const wanted = { taskDefinition, desiredCount: 0, clientToken: "token" };
  const first = await createService(ecs, wanted);
  const again = await createService(ecs, wanted);
  expect(again.serviceArn).toBe(first.serviceArn);
  expect(again.createdAt).toEqual(first.createdAt);
  await expect(createService(ecs, { ...wanted, desiredCount: 1 })).rejects.toMatchObject({
    name: "InvalidParameterException",
    message: "Creation of service was not idempotent.",
  });
});

test("an update with the same values starts no deployment", async () => {
  const { ecs } = await openTestFleet();
  const taskDefinition = await register(ecs, "web", script(SLEEP, { healthCheck: HEALTHY }));
  await createService(ecs, { taskDefinition, desiredCount: 1 });
  const { deployments = [] } = await untilSteady(ecs);
  const same = { cluster: CLUSTER, service: "web", taskDefinition, desiredCount: 1 };
  await ecs.send(new UpdateServiceCommand(same));
  expect((await describe(ecs)).deployments).toEqual(deployments);
  await ecs.send(new UpdateServiceCommand({ ...same, forceNewDeployment: true }));
  expect((await describe(ecs)).deployments?.[0]?.id).not.toBe(deployments[0]?.id);
});

test("a service is deleted when it is scaled to nothing, or by force", async () => {
  const { ecs } = await openTestFleet();
  const taskDefinition = await register(ecs, "web", script(SLEEP, { healthCheck: HEALTHY }));
  await createService(ecs, { taskDefinition, desiredCount: 1 });
  await untilSteady(ecs);
  const target = { cluster: CLUSTER, service: "web" };
  await expect(ecs.send(new DeleteServiceCommand(target))).rejects.toThrow(
    "The service cannot be stopped while it is scaled above 0.",
  );
  await expect(ecs.send(new DeleteClusterCommand({ cluster: CLUSTER }))).rejects.toMatchObject({
    name: "ClusterContainsServicesException",
  });
  const { service } = await ecs.send(new DeleteServiceCommand({ ...target, force: true }));
  expect(service?.status).toBe("DRAINING");
  await expect.poll(async () => (await describe(ecs)).status).toBe("INACTIVE");
  expect(await tasksOf(ecs)).toEqual([]);
  await expect(ecs.send(new UpdateServiceCommand(target))).rejects.toMatchObject({
    name: "ServiceNotActiveException",
  });
  expect((await createService(ecs, { taskDefinition })).status).toBe("ACTIVE");
});

test("lists come in pages, each item once", async () => {
  const { ecs } = await openTestFleet();
  const taskDefinition = await register(ecs, "web", script(SLEEP));
  for (let index = 0; index < 13; index += 1) {
    await createService(ecs, { taskDefinition, serviceName: `web-${index}` });
  }
  const { serviceArns = [], nextToken } = await ecs.send(
    new ListServicesCommand({ cluster: CLUSTER }),
  );
  expect(serviceArns).toHaveLength(10);
  expect(nextToken).toBeDefined();
  const all: string[] = [];
  for await (const page of paginateListServices(
    { client: ecs, pageSize: 4 },
    { cluster: CLUSTER },
  )) {
    all.push(...(page.serviceArns ?? []));
  }
  expect(new Set(all).size).toBe(13);
  const run = new RunTaskCommand({
    cluster: CLUSTER,
    taskDefinition,
    networkConfiguration: NETWORK,
    count: 5,
  });
  await ecs.send(run);
  const tasks: string[] = [];
  for await (const page of paginateListTasks({ client: ecs, pageSize: 2 }, { cluster: CLUSTER })) {
    tasks.push(...(page.taskArns ?? []));
  }
  expect(new Set(tasks).size).toBe(5);
  await expect(
    ecs.send(new ListServicesCommand({ cluster: CLUSTER, nextToken: "nonsense" })),
  ).rejects.toMatchObject({ name: "InvalidParameterException" });
});

test("task definitions have revisions, newest first if asked, and inactive ones start nothing", async () => {
  const { ecs } = await openTestFleet();
  const [first, second] = [
    await register(ecs, "web", script(SLEEP)),
    await register(ecs, "web", script(SLEEP)),
  ];
  await register(ecs, "website", script(SLEEP));
  const list = new ListTaskDefinitionsCommand({ familyPrefix: "web", sort: "DESC" });
  expect((await ecs.send(list)).taskDefinitionArns).toEqual([second, first]);
  await ecs.send(new DeregisterTaskDefinitionCommand({ taskDefinition: second }));
  const latest = await ecs.send(new DescribeTaskDefinitionCommand({ taskDefinition: "web" }));
  expect(latest.taskDefinition?.taskDefinitionArn).toBe(first);
  await expect(createService(ecs, { taskDefinition: second })).rejects.toMatchObject({
    name: "ClientException",
  });
});

test("tags are kept, replaced, removed, and passed on from a service to its tasks", async () => {
  const { ecs } = await openTestFleet();
  const taskDefinition = await register(ecs, "web", script(SLEEP));
  const tags = [{ key: "ctl:colour", value: "blue" }];
  const { serviceArn: resourceArn } = await createService(ecs, {
    taskDefinition,
    desiredCount: 1,
    propagateTags: "SERVICE",
    tags,
  });
  await expect.poll(async () => (await tasksOf(ecs)).length).toBe(1);
  const [taskArn = ""] =
    (await ecs.send(new ListTasksCommand({ cluster: CLUSTER }))).taskArns ?? [];
  const include = ["TAGS" as const];
  const described = new DescribeTasksCommand({ cluster: CLUSTER, tasks: [taskArn], include });
  expect((await ecs.send(described)).tasks?.[0]?.tags).toEqual(tags);
  const added = [
    { key: "ctl:colour", value: "green" },
    { key: "a", value: "b" },
  ];
  await ecs.send(new TagResourceCommand({ resourceArn, tags: added }));
  await ecs.send(new UntagResourceCommand({ resourceArn, tagKeys: ["a"] }));
  const listed = await ecs.send(new ListTagsForResourceCommand({ resourceArn }));
  expect(listed.tags).toEqual([{ key: "ctl:colour", value: "green" }]);
});

test("tasks of services can be protected", async () => {
  const { ecs } = await openTestFleet();
  const taskDefinition = await register(ecs, "web", script(SLEEP, { healthCheck: HEALTHY }));
  await createService(ecs, { taskDefinition, desiredCount: 1 });
  await untilSteady(ecs);
  const [task] = await tasksOf(ecs);
  const target = { cluster: CLUSTER, tasks: [task?.taskArn ?? ""] };
  await ecs.send(new UpdateTaskProtectionCommand({ ...target, protectionEnabled: true }));
  const { protectedTasks } = await ecs.send(new GetTaskProtectionCommand(target));
  expect(protectedTasks).toMatchObject([{ protectionEnabled: true, taskArn: task?.taskArn }]);
  expect(protectedTasks?.[0]?.expirationDate).toBeInstanceOf(Date);
});

test("a cluster has one instance, this machine, with what its tasks leave", async () => {
  const { ecs } = await openTestFleet({ capacity: { cpu: 2_048, memory: 1_000 } });
  await register(ecs, "web", script(SLEEP));
  await ecs.send(
    new RunTaskCommand({ cluster: CLUSTER, taskDefinition: "web", networkConfiguration: NETWORK }),
  );
  const { containerInstanceArns = [] } = await ecs.send(
    new ListContainerInstancesCommand({ cluster: CLUSTER }),
  );
  const { containerInstances = [] } = await ecs.send(
    new DescribeContainerInstancesCommand({
      cluster: CLUSTER,
      containerInstances: containerInstanceArns,
    }),
  );
  const left = containerInstances[0]?.remainingResources?.map((it) => [it.name, it.integerValue]);
  expect(Object.fromEntries(left ?? [])).toEqual({ CPU: 2_048, MEMORY: 984 });
});

test("requests without a valid signature do nothing", async () => {
  const { endpoint } = await openTestFleet();
  const { url, region, credentials } = endpoint.address;
  const as = (other: Partial<typeof credentials>): ECSClient => {
    const client = new ECSClient({
      endpoint: url,
      region,
      credentials: { ...credentials, ...other },
      maxAttempts: 1,
    });
    onTestFinished(() => client.destroy());
    return client;
  };
  const create = (): CreateClusterCommand => new CreateClusterCommand({ clusterName: "evil" });
  await expect(as({ secretAccessKey: "wrong" }).send(create())).rejects.toMatchObject({
    name: "InvalidSignatureException",
  });
  await expect(as({ accessKeyId: "wrong" }).send(create())).rejects.toMatchObject({
    name: "UnrecognizedClientException",
  });
  const headers = { "x-amz-target": "AmazonEC2ContainerServiceV20141113.CreateCluster" };
  const bare = await fetch(url, { method: "POST", headers, body: '{"clusterName":"evil"}' });
  expect(bare.status).toBe(400);
  expect(await bare.json()).toMatchObject({ __type: "MissingAuthenticationTokenException" });
  const { clusters } = await clientOf(endpoint).send(
    new DescribeClustersCommand({ clusters: ["evil"] }),
  );
  expect(clusters).toEqual([]);
});

test("reads may lag behind, and writes do not", async () => {
  const { ecs, faults } = await openTestFleet();
  faults.readLagMs = 1_000;
  await ecs.send(new DescribeClustersCommand({ clusters: [CLUSTER] }));
  const taskDefinition = await register(ecs, "web", script(SLEEP));
  await createService(ecs, { taskDefinition });
  const read = new DescribeServicesCommand({ cluster: CLUSTER, services: ["web"] });
  expect((await ecs.send(read)).services).toEqual([]);
  await expect.poll(async () => (await ecs.send(read)).services?.length).toBe(1);
});

test("throttled requests, server errors and lost answers end well for a client that repeats", async () => {
  // Of three requests one is throttled, one is carried out without an answer, and one is answered.
  const values = [0, 1, 0, 1, 1];
  let drawn = 0;
  const faults = new Faults(() => values[drawn++ % values.length] ?? 1);
  const { endpoint, ecs } = await openTestFleet({ faults });
  const patient = clientOf(endpoint, 30);
  faults.failNext("CreateService", "ServerException", { times: 2 });
  const taskDefinition = await register(ecs, "web", script(SLEEP));
  faults.throttleRate = 0.5;
  faults.lostAnswerRate = 0.5;
  await createService(patient, { taskDefinition, clientToken: "token" });
  const run = { cluster: CLUSTER, taskDefinition, networkConfiguration: NETWORK };
  await patient.send(new RunTaskCommand({ ...run, clientToken: "job" }));
  faults.throttleRate = 0;
  faults.lostAnswerRate = 0;
  const { serviceArns = [] } = await ecs.send(new ListServicesCommand({ cluster: CLUSTER }));
  const { taskArns = [] } = await ecs.send(new ListTasksCommand({ cluster: CLUSTER }));
  expect([serviceArns.length, taskArns.length]).toEqual([1, 1]);
  faults.failNext("DescribeServices", "ThrottlingException");
  await expect(describe(ecs)).rejects.toMatchObject({ name: "ThrottlingException" });
});

const MEMBERS =
  "cluster clusterName family service serviceName services tasks tags task taskDefinition containerDefinitions overrides nextToken resourceArn maxResults desiredCount deploymentConfiguration clientToken".split(
    " ",
  );

test("whatever is sent, the answer is an error of the protocol", async () => {
  const { endpoint } = await openTestFleet();
  const client = clientOf(endpoint);
  const Input = fc.dictionary(fc.constantFrom(...MEMBERS), fc.jsonValue());
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...OPERATIONS.keys()), Input, async (name, input) => {
      client.middlewareStack.add(
        (next) => async (args) => {
          const { request } = args as unknown as {
            request: { headers: Record<string, string>; body: string };
          };
          request.headers["x-amz-target"] = `AmazonEC2ContainerServiceV20141113.${name}`;
          request.body = JSON.stringify(input);
          request.headers["content-length"] = String(Buffer.byteLength(request.body));
          return next(args);
        },
        { step: "build", name: "hostile", override: true, priority: "low" },
      );
      const error = await client.send(new CreateServiceCommand({ serviceName: "a" })).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (error !== undefined) {
        expect(error).toMatchObject({ $metadata: { httpStatusCode: 400 } });
        // Otherwise no operation would have seen the input.
        expect(error).not.toMatchObject({ name: expect.stringMatching(/Signature|Unknown/) });
      }
    }),
    { numRuns: 300 },
  );
});
