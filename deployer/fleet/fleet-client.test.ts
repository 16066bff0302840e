import { writeFile } from "node:fs/promises";

import { expect, onTestFinished, test } from "vitest";

import { Faults } from "../ecs-local/faults.ts";
import { openLocalClient } from "../ecs-local/open-local-client.ts";
import { HEALTHY, openTestFleet, script, SLEEP, type TestFleet } from "../ecs-local/testing.ts";
import type { FleetClient, Manifest } from "./fleet-client.ts";
import { endpointOf } from "./read-task.ts";
import { whyStopped } from "./tell-trouble.ts";
import { waitForService } from "./testing-wait-for-service.ts";

const web = (text: string, more: object = {}): Manifest => ({
  family: "web",
  networkMode: "awsvpc",
  containerDefinitions: [
    script(text, { healthCheck: HEALTHY, portMappings: [{ containerPort: 8080 }], ...more }),
  ],
});

const FIRST = { deployId: "deploy-1", tags: { "ctl:release": "1" } };

type Opened = TestFleet & { fleet: FleetClient };

/** A fleet whose service web has no tasks yet. */
async function open(options: Parameters<typeof openTestFleet>[0] = {}): Promise<Opened> {
  const local = await openTestFleet(options);
  const fleet = await openLocalClient(local.endpoint);
  onTestFinished(() => fleet.close());
  return { ...local, fleet };
}

async function openWithService(
  manifest = web(SLEEP),
): Promise<Opened & { taskDefinition: string }> {
  const opened = await open();
  const taskDefinition = await opened.fleet.register(manifest, FIRST);
  await opened.fleet.ensureService({ name: "web", taskDefinition, count: 0, tags: {} });
  return { ...opened, taskDefinition };
}

const { signal } = new AbortController();
const settled = (
  fleet: FleetClient,
  target: { taskDefinition: string; count: number; deploymentId: string },
) => waitForService(fleet, "web", { ...target, timeoutMs: 20_000, signal });

test("a deployed release has healthy tasks with addresses, and scaling to nothing removes them", async () => {
  const { fleet, taskDefinition } = await openWithService();
  const target = { taskDefinition, count: 2 };
  const deploymentId = await fleet.deploy("web", target);
  await settled(fleet, { ...target, deploymentId });
  const healthy = { health: "HEALTHY", taskDefinition, tags: FIRST.tags };
  // A check that a busy machine answers late is repeated.
  await expect.poll(() => fleet.tasks("web")).toMatchObject([healthy, healthy]);
  const tasks = await fleet.tasks("web");
  const [at, other] = tasks.map((task) => endpointOf(task, 8080));
  expect(at).toMatchObject({ host: expect.stringMatching(/^127\.64\./), port: 8080 });
  expect(other?.host).not.toBe(at?.host);
  await fleet.scale("web", 0);
  await expect.poll(() => fleet.tasks("web")).toEqual([]);
  const reasons = async () => (await fleet.tasks("web", "STOPPED")).map(whyStopped);
  const reason = expect.stringMatching(/^Scaling activity initiated by .*; app: exit code 0$/);
  await expect.poll(reasons).toEqual([reason, reason]);
});

test("old reads are not taken for success", async () => {
  const { fleet, faults, taskDefinition } = await openWithService();
  const first = await fleet.deploy("web", { taskDefinition, count: 1 });
  await settled(fleet, { taskDefinition, count: 1, deploymentId: first });
  faults.readLagMs = 1_500;
  const next = await fleet.register(web(SLEEP), { deployId: "deploy-2", tags: {} });
  const deploymentId = await fleet.deploy("web", { taskDefinition: next, count: 1 });
  const startedMs = performance.now();
  await settled(fleet, { taskDefinition: next, count: 1, deploymentId });
  expect(performance.now() - startedMs).toBeGreaterThan(1_400);
  const [service] = await fleet.services(["web"]);
  expect(service?.deployments[0]?.taskDefinition).toBe(next);
});

test("a missing service is never settled", async () => {
  const { fleet } = await open();
  expect(await fleet.services(["none", "neither"])).toEqual([undefined, undefined]);
  const target = { taskDefinition: "web:1", count: 0, deploymentId: "ecs-svc/1" };
  await expect(
    waitForService(fleet, "none", { ...target, timeoutMs: 300, signal }),
  ).rejects.toThrow(/did not get 0 healthy tasks within 0\.3 s/);
});

test("a release that cannot start fails with the reason, and starts when it is deployed again", async () => {
  const { fleet, folder, taskDefinition } = await openWithService();
  const file = `${folder}/may-start`;
  const environment = [{ name: "FILE", value: file }];
  const crashing = await fleet.register(
    web(`test -e "$FILE" || exit 7; ${SLEEP}`, { environment }),
    FIRST,
  );
  expect(crashing).not.toBe(taskDefinition);
  const target = { taskDefinition: crashing, count: 1 };
  const deploymentId = await fleet.deploy("web", target);
  await expect(settled(fleet, { ...target, deploymentId })).rejects.toThrow(
    /circuit breaker: tasks failed to start\. Failed tasks: 3/,
  );
  const [stopped] = await fleet.tasks("web", "STOPPED");
  expect(stopped && whyStopped(stopped)).toBe(
    "Essential container in task exited; app: exit code 7",
  );
  await writeFile(file, "");
  const again = await fleet.deploy("web", target);
  expect(again).not.toBe(deploymentId);
  expect(await fleet.deploy("web", target)).toBe(again);
  await settled(fleet, { ...target, deploymentId: again });
});

test("everything may be repeated: through throttling and lost answers there is one of each", async () => {
  // Of three requests one is throttled, one is carried out without an answer, and one is answered.
  const values = [0, 1, 0, 1, 1];
  let drawn = 0;
  const faults = new Faults(() => values[drawn++ % values.length] ?? 1);
  const { fleet, endpoint } = await open({ faults });
  faults.throttleRate = 0.5;
  faults.lostAnswerRate = 0.5;
  const definitions = [
    await fleet.register(web(SLEEP), FIRST),
    await fleet.register(web(SLEEP), FIRST),
  ];
  const [taskDefinition = ""] = definitions;
  const service = { name: "web", taskDefinition, count: 1, tags: {} };
  await fleet.ensureService(service);
  await fleet.ensureService(service);
  const deployments = [
    await fleet.deploy("web", { taskDefinition, count: 2 }),
    await fleet.deploy("web", { taskDefinition, count: 2 }),
  ];
  const work = { taskDefinition, token: "deploy-1:expand" };
  const runs = [await fleet.run(work), await fleet.run(work)];
  faults.throttleRate = 0;
  faults.lostAnswerRate = 0;
  expect(new Set(deployments).size).toBe(1);
  expect(new Set(runs).size).toBe(1);
  expect((await fleet.services(["web"]))[0]?.deployments).toHaveLength(1);
  expect(endpoint.logFileOf(runs[0] ?? "", "app")).toBeDefined();
});

test("a one-off task that does not fit says so", async () => {
  const { fleet } = await open({ capacity: { cpu: 1, memory: 1 } });
  const taskDefinition = await fleet.register(web("exit 0"), FIRST);
  await expect(fleet.run({ taskDefinition, token: "a" })).rejects.toMatchObject({
    code: "unavailable",
    message: "The fleet has no room for the task (RESOURCE:MEMORY).",
  });
});

test("the command of a one-off task replaces that of the release", async () => {
  const { fleet, taskDefinition } = await openWithService();
  const command = { container: "app", command: ["/bin/sh", "-c", "exit 4"] };
  expect(await fleet.findRun("a")).toBeUndefined();
  const arn = await fleet.run({ taskDefinition, token: "a", command });
  expect((await fleet.findRun("a"))?.arn).toBe(arn);
  const end = async () => (await fleet.tasksByArn([arn]))[0];
  await expect.poll(async () => (await end())?.lastStatus).toBe("STOPPED");
  expect((await end())?.containers[0]?.exitCode).toBe(4);
});

test("errors say what the fleet answered", async () => {
  const { fleet } = await open();
  await expect(fleet.scale("none", 1)).rejects.toMatchObject({
    code: "not_found",
    message: "The fleet answered ServiceNotFoundException: Service not found.",
  });
  await expect(
    fleet.register({ family: "web", containerDefinitions: [] }, FIRST),
  ).rejects.toMatchObject({ code: "bad_request" });
});
