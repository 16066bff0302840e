import { UpdateServiceCommand } from "@aws-sdk/client-ecs";
import { expect, test } from "vitest";

import {
  CLUSTER,
  createService,
  HEALTHY,
  messagesOf,
  openTestFleet,
  pidOf,
  register,
  script,
  SLEEP,
  tasksOf,
  untilSteady,
} from "./testing.ts";

test("a service reaches its desired count of healthy tasks, each with an address of its own", async () => {
  const { ecs } = await openTestFleet();
  const taskDefinition = await register(ecs, "web", script(SLEEP, { healthCheck: HEALTHY }));
  await createService(ecs, { taskDefinition, desiredCount: 3 });
  const service = await untilSteady(ecs);
  expect(service).toMatchObject({ runningCount: 3, pendingCount: 0, status: "ACTIVE" });
  expect(messagesOf(service)).toEqual([
    "(service web) has reached a steady state.",
    "(service web) (deployment ecs-svc/…) deployment completed.",
    "(service web) has started 3 tasks: (task …) (task …) (task …).",
  ]);
  const tasks = await tasksOf(ecs);
  const addresses = tasks.map(
    ({ attachments = [] }) =>
      attachments[0]?.details?.find(({ name }) => name === "privateIPv4Address")?.value,
  );
  expect(new Set(addresses).size).toBe(3);
  expect(tasks.map(({ healthStatus }) => healthStatus)).toEqual(Array(3).fill("HEALTHY"));
});

test("a killed task is replaced, and does not fail a completed deployment", async () => {
  const { ecs, folder } = await openTestFleet();
  const taskDefinition = await register(ecs, "web", script(SLEEP, { healthCheck: HEALTHY }));
  await createService(ecs, { taskDefinition, desiredCount: 2 });
  await untilSteady(ecs);
  const [victim] = await tasksOf(ecs);
  if (!victim) throw new Error("no task");
  process.kill(pidOf(folder, victim), "SIGKILL");
  await expect
    .poll(async () => (await tasksOf(ecs, { serviceName: "web", desiredStatus: "STOPPED" })).length)
    .toBe(1);
  const [ended] = await tasksOf(ecs, { serviceName: "web", desiredStatus: "STOPPED" });
  expect(ended).toMatchObject({
    taskArn: victim.taskArn,
    stopCode: "EssentialContainerExited",
    stoppedReason: "Essential container in task exited",
    containers: [{ exitCode: 137 }],
  });
  const service = await untilSteady(ecs);
  expect(service.deployments?.[0]?.failedTasks).toBe(0);
});

test("a scale-in to nothing stops all tasks", async () => {
  const { ecs } = await openTestFleet();
  const taskDefinition = await register(ecs, "web", script(SLEEP, { healthCheck: HEALTHY }));
  await createService(ecs, { taskDefinition, desiredCount: 2 });
  await untilSteady(ecs);
  const update = new UpdateServiceCommand({ cluster: CLUSTER, service: "web", desiredCount: 0 });
  await ecs.send(update);
  await expect.poll(async () => (await tasksOf(ecs)).length).toBe(0);
  const ended = await tasksOf(ecs, { serviceName: "web", desiredStatus: "STOPPED" });
  expect(ended.map(({ stopCode }) => stopCode)).toEqual(Array(2).fill("ServiceSchedulerInitiated"));
});
