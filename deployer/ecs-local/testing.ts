import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import {
  type ContainerDefinition,
  CreateClusterCommand,
  CreateServiceCommand,
  type CreateServiceCommandInput,
  DescribeServicesCommand,
  DescribeTasksCommand,
  ECSClient,
  ListTasksCommand,
  RegisterTaskDefinitionCommand,
  type Service,
  StopTaskCommand,
  type Task,
} from "@aws-sdk/client-ecs";
import { expect, onTestFinished } from "vitest";

import { silentLog } from "#platform/log.ts";

import { Faults } from "./faults.ts";
import { type Endpoint, type EndpointOptions, openEndpoint } from "./open-endpoint.ts";
import { SECOND_MS } from "./testing-second.ts";

export const CLUSTER = "test";

export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "quarterdeck fleet "));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

export type TestFleet = { folder: string; endpoint: Endpoint; ecs: ECSClient; faults: Faults };

/** An endpoint with a cluster and an unchanged client. Its tasks are stopped with it. */
export async function openTestFleet(options: Partial<EndpointOptions> = {}): Promise<TestFleet> {
  const folder = options.folder ?? temporaryFolder();
  const { faults = new Faults() } = options;
  const endpoint = await openEndpoint({
    log: silentLog(),
    secondMs: SECOND_MS,
    ...options,
    faults,
    folder,
  });
  onTestFinished(() => endpoint.stop());
  const ecs = clientOf(endpoint);
  await ecs.send(new CreateClusterCommand({ clusterName: CLUSTER }));
  return { folder, endpoint, ecs, faults };
}

export function clientOf({ address }: Pick<Endpoint, "address">, maxAttempts = 1): ECSClient {
  const { url, region, credentials } = address;
  const client = new ECSClient({ endpoint: url, region, credentials, maxAttempts });
  onTestFinished(() => client.destroy());
  return client;
}

/** A shell script as the only container of a task. */
export const script = (
  text: string,
  more: Partial<ContainerDefinition> = {},
): ContainerDefinition => ({
  name: "app",
  image: "test",
  memory: 16,
  command: ["/bin/sh", "-c", text],
  stopTimeout: 120,
  ...more,
});

/** Runs until it is stopped, and ends at once then. */
export const SLEEP = "trap 'exit 0' TERM; while :; do sleep 0.05; done";

/** Healthy as soon as it runs, however busy the machine is. */
export const HEALTHY = { command: ["CMD", "true"], interval: 5, timeout: 60, retries: 10 };

export async function register(
  ecs: ECSClient,
  family: string,
  ...containerDefinitions: ContainerDefinition[]
): Promise<string> {
  const network = { networkMode: "awsvpc" } as const;
  const { taskDefinition } = await ecs.send(
    new RegisterTaskDefinitionCommand({ family, containerDefinitions, ...network }),
  );
  return taskDefinition?.taskDefinitionArn ?? "";
}

export const NETWORK = { awsvpcConfiguration: { subnets: ["local"] } };

export async function createService(
  ecs: ECSClient,
  input: Partial<CreateServiceCommandInput> & { taskDefinition: string },
): Promise<Service> {
  const { service } = await ecs.send(
    new CreateServiceCommand({
      cluster: CLUSTER,
      serviceName: "web",
      networkConfiguration: NETWORK,
      ...input,
    }),
  );
  if (!service) throw new Error("no service was created");
  return service;
}

export async function describe(ecs: ECSClient, service = "web"): Promise<Service> {
  const { services = [] } = await ecs.send(
    new DescribeServicesCommand({ cluster: CLUSTER, services: [service] }),
  );
  const [found] = services;
  if (!found) throw new Error(`there is no service ${service}`);
  return found;
}

export async function tasksOf(
  ecs: ECSClient,
  filter: { serviceName?: string; desiredStatus?: "RUNNING" | "STOPPED"; startedBy?: string } = {
    serviceName: "web",
  },
): Promise<Task[]> {
  const { taskArns = [] } = await ecs.send(new ListTasksCommand({ cluster: CLUSTER, ...filter }));
  if (taskArns.length === 0) return [];
  const { tasks = [] } = await ecs.send(
    new DescribeTasksCommand({ cluster: CLUSTER, tasks: taskArns }),
  );
  return tasks;
}

export async function untilSteady(ecs: ECSClient, service = "web"): Promise<Service> {
  await expect
    .poll(async () => {
      const { deployments = [], desiredCount, runningCount } = await describe(ecs, service);
      const states = deployments.map(({ rolloutState }) => rolloutState);
      return { states, missing: (desiredCount ?? 0) - (runningCount ?? 0) };
    })
    .toEqual({ states: ["COMPLETED"], missing: 0 });
  return describe(ecs, service);
}

export async function untilStopped(ecs: ECSClient, taskArn: string): Promise<Task> {
  const find = async (): Promise<Task | undefined> =>
    (await ecs.send(new DescribeTasksCommand({ cluster: CLUSTER, tasks: [taskArn] }))).tasks?.[0];
  await expect.poll(async () => (await find())?.lastStatus).toBe("STOPPED");
  const task = await find();
  if (!task) throw new Error(`there is no task ${taskArn}`);
  return task;
}

export const stop = (ecs: ECSClient, task: Task): Promise<unknown> =>
  ecs.send(new StopTaskCommand({ cluster: CLUSTER, task: task.taskArn }));

export const messagesOf = ({ events = [] }: Service): string[] =>
  events.map(({ message = "" }) => message.replaceAll(/[0-9a-f]{32}|\d{19}/g, "…"));

/** The pid of the process of a container, as the endpoint's folder has it. */
export function pidOf(folder: string, { taskArn = "" }: Task, container = "app"): number {
  const id = taskArn.slice(taskArn.lastIndexOf("/") + 1);
  const started = readFileSync(path.join(folder, "tasks", id, container, "started"), "utf8");
  return Number(started.split(" ")[3]);
}
