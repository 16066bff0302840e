import { expect, onTestFinished, test } from "vitest";

import { AppError } from "#platform/errors.ts";

import { openLocalClient } from "../ecs-local/open-local-client.ts";
import {
  HEALTHY,
  openTestFleet,
  pidOf,
  script,
  SLEEP,
  type TestFleet,
} from "../ecs-local/testing.ts";
import { ColourFleet, type Catalogue } from "./colour-fleet.ts";
import type { FleetClient } from "./fleet-client.ts";

/** Releases by name: `bad` ends at once, `slow` takes its time to stop. */
const PROGRAMS: Readonly<Record<string, string>> = {
  bad: "echo broken; exit 9",
  slow: "trap 'sleep 1; exit 0' TERM; while :; do sleep 0.05; done",
};

const catalogue: Catalogue = (workload, release) => {
  const portMappings = [{ containerPort: 8080 }];
  const healthCheck = release === "bad" ? { command: ["CMD", "false"], interval: 5 } : HEALTHY;
  const container = script(`: ${release}; ${PROGRAMS[release] ?? SLEEP}`, {
    portMappings,
    healthCheck,
  });
  return Promise.resolve({
    manifest: { family: workload, networkMode: "awsvpc", containerDefinitions: [container] },
    port: 8080,
  });
};

type Opened = TestFleet & { client: FleetClient; fleet: ColourFleet };

async function open(): Promise<Opened> {
  const local = await openTestFleet();
  const client = await openLocalClient(local.endpoint);
  onTestFinished(() => client.close());
  return { ...local, client, fleet: new ColourFleet(client, catalogue) };
}

const blue = { workload: "web", colour: "blue" as const, count: 2 };
const green = { workload: "web", colour: "green" as const, count: 1 };

const untilRunning = async (fleet: ColourFleet, colour: "blue" | "green", count: number) => {
  const healthy = async (): Promise<number> =>
    (await fleet.read("web"))[colour].tasks.filter(
      (task) => task.healthy && task.status === "running",
    ).length;
  await expect.poll(healthy).toBe(count);
};

test("each colour has its own release, tasks and addresses", async () => {
  const { fleet } = await open();
  expect((await fleet.read("web")).blue).toMatchObject({
    release: undefined,
    desired: 0,
    tasks: [],
  });
  await fleet.ensure({ ...blue, release: "r1", deploy: "d1" });
  await fleet.ensure({ ...green, release: "r2", deploy: "d2" });
  await untilRunning(fleet, "blue", 2);
  await untilRunning(fleet, "green", 1);
  const view = await fleet.read("web");
  expect(view.blue).toMatchObject({ release: "r1", deploy: "d1", desired: 2, failedTasks: 0 });
  expect(view.green).toMatchObject({ release: "r2", deploy: "d2", desired: 1 });
  const tasks = [...view.blue.tasks, ...view.green.tasks];
  expect(tasks.map(({ release }) => release)).toEqual(["r1", "r1", "r2"]);
  expect(new Set(tasks.map(({ address }) => address)).size).toBe(3);
  expect(tasks[0]?.address).toMatch(/^127\.64\.\d+\.\d+:8080$/);
});

test("asking again changes nothing, also with old reads, and by a controller that has just started", async () => {
  const { fleet, client, faults } = await open();
  await fleet.ensure({ ...blue, release: "r1", deploy: "d1" });
  await untilRunning(fleet, "blue", 2);
  faults.readLagMs = 60_000;
  await client.services(["web-blue"]);
  const ensure = { ...blue, release: "r2", deploy: "d2" };
  await fleet.ensure(ensure);
  const first = await client.currentService("web-blue");
  await fleet.ensure(ensure);
  await expect(new ColourFleet(client, catalogue).ensure(ensure)).rejects.toThrow(AppError);
  faults.readLagMs = 0;
  await new ColourFleet(client, catalogue).ensure(ensure);
  const same = await client.currentService("web-blue");
  expect(same?.deployments[0]?.id).toBe(first?.deployments[0]?.id);
  await untilRunning(fleet, "blue", 2);
  await expect.poll(async () => (await fleet.read("web")).blue.tasks.length).toBe(2);
});

test("a release that does not start fails with a reason, and can be followed by another one", async () => {
  const { fleet } = await open();
  await fleet.ensure({ ...green, release: "r1", deploy: "d1" });
  await untilRunning(fleet, "green", 1);
  await fleet.ensure({ ...green, release: "r1", deploy: "d1", count: 0 });
  await expect.poll(async () => (await fleet.read("web")).green.tasks).toEqual([]);
  await fleet.ensure({ ...green, release: "bad", deploy: "d2" });
  await expect.poll(async () => (await fleet.read("web")).green.rollout).toBe("failed");
  const { green: failed } = await fleet.read("web");
  expect(failed).toMatchObject({ release: "bad", failedTasks: 3 });
  expect(failed.reason).toContain("app: exit code 9");
  await fleet.ensure({ ...green, release: "r1", deploy: "d3" });
  await untilRunning(fleet, "green", 1);
  expect((await fleet.read("web")).green).toMatchObject({ release: "r1", failedTasks: 0 });
});

test("a release that comes back is a new deployment, so that its failures are counted", async () => {
  const { fleet, client } = await open();
  await fleet.ensure({ ...green, release: "r1", deploy: "d1" });
  await untilRunning(fleet, "green", 1);
  const [first] = await client.services(["web-green"]);
  await fleet.ensure({ ...green, release: "r1", deploy: "d2", count: 0 });
  await expect.poll(async () => (await fleet.read("web")).green.tasks).toEqual([]);
  await fleet.ensure({ ...green, release: "r1", deploy: "d3" });
  await untilRunning(fleet, "green", 1);
  const [again] = await client.services(["web-green"]);
  expect(again?.deployments[0]?.id).not.toBe(first?.deployments[0]?.id);
});

test("another deploy of a release that runs is a new deployment", async () => {
  const { fleet } = await open();
  await fleet.ensure({ ...green, release: "r1", deploy: "d1" });
  await untilRunning(fleet, "green", 1);
  const [before] = (await fleet.read("web")).green.tasks;
  await fleet.ensure({ ...green, release: "r1", deploy: "d2" });
  await expect.poll(async () => (await fleet.read("web")).green.deploy).toBe("d2");
  await untilRunning(fleet, "green", 1);
  await expect
    .poll(async () => (await fleet.read("web")).green.tasks.map(({ id }) => id))
    .not.toContain(before?.id);
});

test("tasks are stopped although reads are from before their start", async () => {
  const { fleet, client, faults } = await open();
  await fleet.ensure({ ...green, release: "r1", deploy: "d1", count: 0 });
  faults.readLagMs = 60_000;
  expect(await client.services(["web-green"])).toEqual([undefined]);
  await fleet.ensure({ ...green, release: "r1", deploy: "d1" });
  await fleet.ensure({ ...green, release: "r1", deploy: "d1", count: 0 });
  faults.readLagMs = 0;
  expect((await fleet.read("web")).green).toMatchObject({ desired: 0, deploy: "d1" });
});

test("more tasks for the same deploy are no new deployment", async () => {
  const { fleet, client } = await open();
  await fleet.ensure({ ...green, release: "r1", deploy: "d1" });
  await untilRunning(fleet, "green", 1);
  const [first] = await client.services(["web-green"]);
  await fleet.ensure({ ...green, release: "r1", deploy: "d1", count: 3 });
  await untilRunning(fleet, "green", 3);
  const [again] = await client.services(["web-green"]);
  expect(again?.deployments[0]?.id).toBe(first?.deployments[0]?.id);
});

test("tasks are listed until they have stopped, also by a reader that has just started", async () => {
  const { fleet, client } = await open();
  await fleet.ensure({ ...green, release: "slow", deploy: "d1" });
  await untilRunning(fleet, "green", 1);
  await fleet.ensure({ ...green, release: "slow", deploy: "d1", count: 0 });
  const statuses = async (reader: ColourFleet): Promise<string[]> =>
    (await reader.read("web")).green.tasks.map(({ status }) => status);
  await expect.poll(() => statuses(fleet)).toEqual(["stopping"]);
  expect(await statuses(new ColourFleet(client, catalogue))).toEqual(["stopping"]);
  await expect.poll(() => statuses(fleet)).toEqual([]);
});

test("a killed task is replaced by one with another address", async () => {
  const { fleet, folder } = await open();
  await fleet.ensure({ ...green, release: "r1", deploy: "d1" });
  await untilRunning(fleet, "green", 1);
  const [before] = (await fleet.read("web")).green.tasks;
  process.kill(pidOf(folder, { taskArn: before?.id }), "SIGKILL");
  await expect
    .poll(async () => (await fleet.read("web")).green.tasks.map(({ id }) => id))
    .not.toEqual([before?.id]);
  await untilRunning(fleet, "green", 1);
  const [after] = (await fleet.read("web")).green.tasks;
  expect(after?.address).not.toBe(before?.address);
});

test("why tasks are refused is told until they are not", async () => {
  const { fleet, faults } = await open();
  const message = "Error retrieving subnet information";
  faults.failNext("CreateService", "InvalidParameterException", { message });
  const asked = { ...green, release: "r1", deploy: "d1" };
  const told = `The fleet answered InvalidParameterException: ${message}.`;
  await expect(fleet.ensure(asked)).rejects.toThrow(told);
  const refusals = async () => {
    const view = await fleet.read("web");
    return [view.blue.refusal, view.green.refusal];
  };
  expect(await refusals()).toEqual([undefined, told]);
  await fleet.ensure(asked);
  expect(await refusals()).toEqual([undefined, undefined]);
});
