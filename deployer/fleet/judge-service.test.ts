import * as fc from "fast-check";
import { expect, test } from "vitest";

import type { FleetService } from "./fleet-client.ts";
import { judgeService, whyStopped } from "./judge-service.ts";

const target = { count: 2, deploymentId: "ecs-svc/2" };
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

test("a service with the count and the complete deployment that was asked for is settled", () => {
  expect(judgeService(service, target)).toEqual({ state: "settled" });
});

const withDeployments = (...deployments: FleetService["deployments"]): FleetService => ({
  ...service,
  deployments,
});

test("whatever else is read is not settled", () => {
  const Change = fc.oneof(
    fc.constant(undefined),
    fc.constant(withDeployments()),
    fc
      .constantFrom("DRAINING" as const, "INACTIVE" as const)
      .map((status) => ({ ...service, status })),
    fc.integer({ min: 0, max: 1 }).map((runningCount) => ({ ...service, runningCount })),
    fc.integer({ min: 3, max: 9 }).map((desiredCount) => ({ ...service, desiredCount })),
    fc
      .constantFrom("IN_PROGRESS" as const, "FAILED" as const)
      .map((rolloutState) => withDeployments({ ...deployment, rolloutState })),
    fc.constant(withDeployments({ ...deployment, id: "ecs-svc/1" })),
    fc.constant(withDeployments(deployment, { ...deployment, id: "ecs-svc/1" })),
  );
  fc.assert(
    fc.property(Change, (read) => {
      expect(judgeService(read, target).state).not.toBe("settled");
    }),
  );
});

test("what takes long is explained by the latest event of the deployment", () => {
  const message = "(service web) was unable to place a task";
  const events = [
    { id: "3", atMs: 12, message: "(service web) has started 1 tasks" },
    { id: "2", atMs: 11, message },
    { id: "1", atMs: 9, message: "(service web) was unable to do something earlier" },
  ];
  const moving = { ...deployment, rolloutState: "IN_PROGRESS" as const };
  const read = { ...service, runningCount: 1, deployments: [moving], events };
  expect(judgeService(read, target)).toEqual({ state: "moving", hint: message });
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
