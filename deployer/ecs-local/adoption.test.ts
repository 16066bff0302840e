import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { CreateClusterCommand, type Task, UpdateServiceCommand } from "@aws-sdk/client-ecs";
import { expect, onTestFinished, test } from "vitest";

import { silentLog } from "#platform/log.ts";

import { type Endpoint, openEndpoint, readAddress } from "./open-endpoint.ts";
import { SECOND_MS } from "./testing-second.ts";
import {
  clientOf,
  CLUSTER,
  createService,
  HEALTHY,
  pidOf,
  register,
  script,
  SLEEP,
  tasksOf,
  temporaryFolder,
  untilSteady,
} from "./testing.ts";

const MODULE = fileURLToPath(new URL("testing-process.ts", import.meta.url));

type Started = { process: ChildProcess; port: number };

async function startProcess(folder: string, port = 0): Promise<Started> {
  const child = spawn(process.execPath, [MODULE, folder, String(port)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  for await (const _ of createInterface(child.stdout)) break;
  return { process: child, port: Number(new URL(readAddress(folder).url).port) };
}

async function kill({ process: child }: Started): Promise<void> {
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}

/** The last endpoint of a test runs in this process and stops the tasks at the end. */
async function takeOver(folder: string, port: number): Promise<Endpoint> {
  const endpoint = await openEndpoint({ folder, port, log: silentLog(), secondMs: SECOND_MS });
  onTestFinished(() => endpoint.stop());
  return endpoint;
}

test("after a kill the next endpoint goes on with the same processes, and none twice", async () => {
  const folder = temporaryFolder();
  const first = await startProcess(folder);
  const ecs = clientOf({ address: readAddress(folder) }, 10);
  await ecs.send(new CreateClusterCommand({ clusterName: CLUSTER }));
  const taskDefinition = await register(ecs, "web", script(SLEEP, { healthCheck: HEALTHY }));
  await createService(ecs, { taskDefinition, desiredCount: 3 });
  await untilSteady(ecs);
  const before = await tasksOf(ecs);
  const pids = before.map((task) => pidOf(folder, task));
  await kill(first);
  const [victim = 0, ...others] = pids;
  process.kill(victim, "SIGKILL");

  await takeOver(folder, first.port);
  await expect.poll(async () => (await tasksOf(ecs)).length).toBe(3);
  await untilSteady(ecs);
  const after = await tasksOf(ecs);
  expect(after.map((task) => pidOf(folder, task))).toEqual(expect.arrayContaining(others));
  const [ended] = await tasksOf(ecs, { serviceName: "web", desiredStatus: "STOPPED" });
  expect(ended?.containers?.[0]?.exitCode).toBe(137);
});

test("killed again and again while it scales, it starts each task once and ends with the desired count", async () => {
  const folder = temporaryFolder();
  let endpoint = await startProcess(folder);
  const { port } = endpoint;
  const ecs = clientOf({ address: readAddress(folder) }, 20);
  await ecs.send(new CreateClusterCommand({ clusterName: CLUSTER }));
  const log = `${folder}/started.log`;
  const counted = script(`echo $TASK_ADDRESS >> "$LOG"; ${SLEEP}`, {
    environment: [{ name: "LOG", value: log }],
    healthCheck: HEALTHY,
  });
  const taskDefinition = await register(ecs, "web", counted);
  await createService(ecs, { taskDefinition, desiredCount: 1 });
  for (const desiredCount of [4, 2, 6, 3]) {
    await ecs.send(new UpdateServiceCommand({ cluster: CLUSTER, service: "web", desiredCount }));
    await kill(endpoint);
    endpoint = await startProcess(folder, port);
  }
  await kill(endpoint);
  await takeOver(folder, port);
  await untilSteady(ecs);
  const starts = readFileSync(log, "utf8").trim().split("\n");
  expect(new Set(starts).size).toBe(starts.length);
  await expect.poll(async () => (await tasksOf(ecs)).length).toBe(3);
});

test("a task that stops while the endpoint is replaced is asked to only once", async () => {
  const folder = temporaryFolder();
  const first = await startProcess(folder);
  const ecs = clientOf({ address: readAddress(folder) }, 10);
  await ecs.send(new CreateClusterCommand({ clusterName: CLUSTER }));
  const log = `${folder}/asked.log`;
  const slow = script(`trap 'echo asked >> "$LOG"' TERM; while :; do sleep 0.05; done`, {
    environment: [{ name: "LOG", value: log }],
    healthCheck: HEALTHY,
    stopTimeout: 40,
  });
  const taskDefinition = await register(ecs, "web", slow);
  await createService(ecs, { taskDefinition, desiredCount: 1 });
  await untilSteady(ecs);
  await ecs.send(new UpdateServiceCommand({ cluster: CLUSTER, service: "web", desiredCount: 0 }));
  await expect.poll(() => existsSync(log)).toBe(true);
  await kill(first);
  await takeOver(folder, first.port);
  const stopped = (): Promise<Task[]> =>
    tasksOf(ecs, { serviceName: "web", desiredStatus: "STOPPED" });
  await expect.poll(async () => (await stopped())[0]?.lastStatus).toBe("STOPPED");
  expect((await stopped())[0]?.containers?.[0]?.exitCode).toBe(137);
  expect(readFileSync(log, "utf8")).toBe("asked\n");
});

test("what is left of unknown tasks is deleted, unless it runs", async () => {
  const folder = temporaryFolder();
  const first = await openEndpoint({ folder, log: silentLog(), secondMs: SECOND_MS });
  const ecs = clientOf(first);
  await ecs.send(new CreateClusterCommand({ clusterName: CLUSTER }));
  const taskDefinition = await register(ecs, "web", script(SLEEP, { healthCheck: HEALTHY }));
  await createService(ecs, { taskDefinition, desiredCount: 1 });
  await untilSteady(ecs);
  const [task] = await tasksOf(ecs);
  if (!task) throw new Error("no task");
  const pid = pidOf(folder, task);
  onTestFinished(() => void process.kill(pid, "SIGKILL"));
  await first.close();
  mkdirSync(`${folder}/tasks/unknown/app`, { recursive: true });
  for (const file of ["state.sqlite", "state.sqlite-wal", "state.sqlite-shm"]) {
    rmSync(path.join(folder, file), { force: true });
  }
  const second = await openEndpoint({ folder, log: silentLog(), secondMs: SECOND_MS });
  onTestFinished(() => second.stop());
  expect(readdirSync(`${folder}/tasks`)).toEqual([task.taskArn?.split("/").at(-1)]);
  expect(readFileSync(`/proc/${pid}/stat`, "utf8")).toContain(String(pid));
});

test("a state that cannot be read is named with what to do", async () => {
  const folder = temporaryFolder();
  writeFileSync(path.join(folder, "state.sqlite"), "this is no database at all\n".repeat(100));
  await expect(openEndpoint({ folder, log: silentLog() })).rejects.toThrow(
    /state\.sqlite cannot be used\. Restore it from a backup/,
  );
});

test("a second endpoint on the same folder is refused", async () => {
  const folder = temporaryFolder();
  await startProcess(folder);
  await expect(openEndpoint({ folder, log: silentLog() })).rejects.toThrow(
    /Another process runs the local fleet/,
  );
});
