import { expect, test } from "vitest";

import type { FleetService } from "./fleet-client.ts";
import { troubleOf, whyStopped } from "./tell-trouble.ts";

const deployment: FleetService["deployments"][number] = {
  id: "ecs-svc/2",
  isPrimary: true,
  taskDefinition: "web:2",
  desiredCount: 2,
  runningCount: 2,
  pendingCount: 0,
  failedTasks: 0,
  rolloutState: "COMPLETED",
  reason: "",
  createdAtMs: 10,
};
const service: FleetService = {
  name: "web",
  arn: "arn",
  status: "ACTIVE",
  desiredCount: 2,
  runningCount: 2,
  pendingCount: 0,
  deployments: [deployment],
  events: [],
  tags: {},
};

test("what takes long is explained by the latest event of the deployment", () => {
  const message = "(service web) was unable to place a task";
  const events = [
    { id: "3", atMs: 12, message: "(service web) has started 1 tasks" },
    { id: "2", atMs: 11, message },
    { id: "1", atMs: 9, message: "(service web) was unable to do something earlier" },
  ];
  expect(troubleOf({ ...service, events }, deployment)).toBe(message);
  expect(troubleOf(service, deployment)).toBeUndefined();
});

test("the end of a task is explained", () => {
  const container = { name: "app", lastStatus: "STOPPED", exitCode: 137, reason: undefined };
  const task = {
    arn: "arn",
    taskDefinition: "web:1",
    desiredStatus: "STOPPED" as const,
    lastStatus: "STOPPED",
    health: "UNKNOWN" as const,
    address: undefined,
    createdAtMs: 0,
    startedAtMs: undefined,
    stoppedAtMs: 1,
    stopCode: "EssentialContainerExited",
    stoppedReason: "Essential container in task exited",
    containers: [container],
    tags: {},
  };
  expect(whyStopped(task)).toBe("Essential container in task exited; app: exit code 137 (killed)");
  expect(whyStopped({ ...task, desiredStatus: "RUNNING" })).toBeUndefined();
});
