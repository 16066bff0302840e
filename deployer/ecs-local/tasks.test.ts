import { readFileSync } from "node:fs";

import { RunTaskCommand, type RunTaskCommandInput, type Task } from "@aws-sdk/client-ecs";
import type { ECSClient } from "@aws-sdk/client-ecs";
import { expect, test } from "vitest";

import {
  CLUSTER,
  createService,
  NETWORK,
  openTestFleet,
  pidOf,
  register,
  script,
  SLEEP,
  stop,
  tasksOf,
  untilSteady,
  untilStopped,
} from "./testing.ts";

async function runTask(ecs: ECSClient, input: Partial<RunTaskCommandInput>): Promise<Task[]> {
  const command = new RunTaskCommand({
    cluster: CLUSTER,
    taskDefinition: "job",
    networkConfiguration: NETWORK,
    ...input,
  });
  return (await ecs.send(command)).tasks ?? [];
}

async function runToEnd(ecs: ECSClient, input: Partial<RunTaskCommandInput> = {}): Promise<Task> {
  const [task] = await runTask(ecs, input);
  return untilStopped(ecs, task?.taskArn ?? "");
}

test("a one-off task ends with the exit code of its process, and its output is kept", async () => {
  const { ecs, endpoint } = await openTestFleet();
  await register(ecs, "job", script('echo "to $WHOM at $TASK_ADDRESS"; exit 3'));
  const task = await runToEnd(ecs, {
    startedBy: "deploy-1",
    overrides: {
      containerOverrides: [{ name: "app", environment: [{ name: "WHOM", value: "you" }] }],
    },
  });
  expect(task).toMatchObject({
    stopCode: "EssentialContainerExited",
    startedBy: "deploy-1",
    group: "family:job",
    containers: [{ exitCode: 3, lastStatus: "STOPPED" }],
  });
  expect(task.stoppedAt?.getTime()).toBeGreaterThan(task.createdAt?.getTime() ?? Infinity);
  const address = task.containers?.[0]?.networkInterfaces?.[0]?.privateIpv4Address;
  const log = endpoint.logFileOf(task.taskArn ?? "", "app") ?? "";
  expect(readFileSync(log, "utf8")).toBe(`to you at ${address}\n`);
});

test("a request that is repeated with its client token runs nothing again", async () => {
  const { ecs, endpoint } = await openTestFleet();
  await register(ecs, "job", script("echo once"));
  const first = await runToEnd(ecs, { clientToken: "token" });
  const [again] = await runTask(ecs, { clientToken: "token" });
  expect(again?.taskArn).toBe(first.taskArn);
  await expect(runTask(ecs, { clientToken: "token", count: 2 })).rejects.toMatchObject({
    name: "ConflictException",
    resourceIds: [first.taskArn],
  });
  const log = endpoint.logFileOf(first.taskArn ?? "", "app") ?? "";
  expect(readFileSync(log, "utf8")).toBe("once\n");
});

test.each([
  [["/no/such/program"], "executable file not found"],
  [["no-such-program"], "executable file not found"],
])("a task whose program %o is missing fails to start, and says why", async (command, reason) => {
  const { ecs } = await openTestFleet();
  await register(ecs, "job", script("", { command }));
  const task = await runToEnd(ecs);
  expect(task).toMatchObject({
    stopCode: "TaskFailedToStart",
    stoppedReason: "Task failed to start",
  });
  expect(task.containers?.[0]?.reason).toContain(
    `CannotStartContainerError: exec: "${command[0]}"`,
  );
  expect(task.containers?.[0]?.reason).toContain(reason);
});

test("SIGTERM comes first, SIGKILL after the stop timeout, and nothing of the task is left", async () => {
  const { ecs, folder } = await openTestFleet();
  const child = "sleep 600 & echo $! > child";
  const stubborn = script(`${child}; trap 'echo asked' TERM; while :; do sleep 0.05; done`, {
    stopTimeout: 3,
    workingDirectory: folder,
  });
  await register(ecs, "job", stubborn);
  const [task] = await runTask(ecs, {});
  if (!task) throw new Error("no task");
  await expect.poll(() => readFileSync(`${folder}/child`, "utf8")).toMatch(/\d/);
  await stop(ecs, task);
  const ended = await untilStopped(ecs, task.taskArn ?? "");
  expect(ended).toMatchObject({
    stopCode: "UserInitiated",
    stoppedReason: "Task stopped by user",
    containers: [{ exitCode: 137 }],
  });
  const stoppedMs = (ended.stoppedAt?.getTime() ?? 0) - (ended.stoppingAt?.getTime() ?? 0);
  expect(stoppedMs).toBeGreaterThanOrEqual(300);
  const pid = Number(readFileSync(`${folder}/child`, "utf8"));
  await expect.poll(() => isAlive(pid)).toBe(false);
});

test("an endpoint that stops everything does not wait for the stop time-out of a program that ignores SIGTERM", async () => {
  const { ecs, endpoint, folder } = await openTestFleet({ secondMs: 1_000 });
  const stubborn = script("trap '' TERM; while :; do sleep 0.05; done", { stopTimeout: 120 });
  await register(ecs, "job", stubborn);
  const [task] = await runTask(ecs, {});
  if (!task) throw new Error("no task");
  await expect.poll(async () => (await tasksOf(ecs, {}))[0]?.lastStatus).toBe("RUNNING");
  const pid = pidOf(folder, task);
  await endpoint.stop();
  await expect.poll(() => isAlive(pid)).toBe(false);
}, 60_000);

test("a task that does not fit is refused with the resource that is missing", async () => {
  const { ecs } = await openTestFleet({ capacity: { cpu: 1_000, memory: 40 } });
  await register(ecs, "job", script(SLEEP));
  const command = new RunTaskCommand({
    cluster: CLUSTER,
    taskDefinition: "job",
    networkConfiguration: NETWORK,
    count: 3,
  });
  const { tasks = [], failures } = await ecs.send(command);
  expect(tasks).toHaveLength(2);
  expect(failures).toMatchObject([{ reason: "RESOURCE:MEMORY" }]);
});

test("a task with a failing health check is replaced and counted as failed", async () => {
  const { ecs } = await openTestFleet();
  const healthCheck = { command: ["CMD-SHELL", "exit 1"], interval: 5, retries: 1 };
  const taskDefinition = await register(ecs, "web", script(SLEEP, { healthCheck }));
  await createService(ecs, {
    taskDefinition,
    desiredCount: 1,
    deploymentConfiguration: { deploymentCircuitBreaker: { enable: true, rollback: false } },
  });
  await expect
    .poll(async () => (await tasksOf(ecs, { serviceName: "web", desiredStatus: "STOPPED" })).length)
    .toBeGreaterThan(0);
  const [ended] = await tasksOf(ecs, { serviceName: "web", desiredStatus: "STOPPED" });
  expect(ended).toMatchObject({
    healthStatus: "UNHEALTHY",
    stoppedReason: "Task failed container health checks",
  });
});

test("a health check over HTTP reaches the port at the address of the task", async () => {
  const { ecs } = await openTestFleet();
  const server =
    "require('http').createServer((q, r) => r.end()).listen(process.env.TASK_PORT_8080, process.env.TASK_ADDRESS)";
  const web = script("", {
    command: [process.execPath, "-e", server],
    portMappings: [{ containerPort: 8080 }],
    healthCheck: {
      command: ["HTTP", "http://127.0.0.1:8080/ready"],
      interval: 5,
      timeout: 60,
      startPeriod: 100,
    },
  });
  const taskDefinition = await register(ecs, "web", web);
  await createService(ecs, { taskDefinition, desiredCount: 2 });
  await untilSteady(ecs);
  expect((await tasksOf(ecs)).map((it) => it.healthStatus)).toEqual(["HEALTHY", "HEALTHY"]);
});

test("where tasks share an address, each gets ports of its own", async () => {
  const { ecs } = await openTestFleet({ network: "shared_address" });
  const portMappings = [{ containerPort: 8080 }, { containerPort: 8081 }];
  await register(ecs, "job", script(SLEEP, { portMappings }));
  const tasks = await runTask(ecs, { count: 3 });
  const bindings = tasks.flatMap(({ containers = [] }) => containers[0]?.networkBindings ?? []);
  expect(new Set(bindings.map(({ hostPort }) => hostPort)).size).toBe(6);
  expect(new Set(bindings.map(({ bindIP }) => bindIP))).toEqual(new Set(["127.0.0.1"]));
});

test("the output of a container is bounded", async () => {
  const { ecs, endpoint } = await openTestFleet({ logBytesMax: 10_000 });
  await register(ecs, "job", script("while :; do echo 0123456789; done"));
  const [task] = await runTask(ecs, {});
  const log = endpoint.logFileOf(task?.taskArn ?? "", "app") ?? "";
  await expect.poll(() => readFileSync(`${log}.1`, "utf8").length).toBeGreaterThan(10_000);
});

test("a killed watcher does not end its process, whose end is still noticed", async () => {
  const { ecs, folder } = await openTestFleet();
  await register(ecs, "job", script(SLEEP));
  const [task] = await runTask(ecs, {});
  if (!task) throw new Error("no task");
  await expect.poll(async () => (await tasksOf(ecs, {}))[0]?.lastStatus).toBe("RUNNING");
  const pid = pidOf(folder, task);
  const parent = Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1]);
  process.kill(parent, "SIGKILL");
  await expect.poll(() => isAlive(parent)).toBe(false);
  expect((await tasksOf(ecs, {}))[0]?.lastStatus).toBe("RUNNING");
  process.kill(pid, "SIGKILL");
  const ended = await untilStopped(ecs, task.taskArn ?? "");
  expect(ended.containers?.[0]).toMatchObject({ reason: "The exit code is not known." });
});

function isAlive(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
