import { expect, test } from "vitest";

import { RELEASE_TAG } from "#deployer/fleet/colour-fleet.ts";
import type { FleetClient, FleetService, FleetTask } from "#deployer/fleet/fleet-client.ts";
import { AppError } from "#platform/errors.ts";

import { fleetOf, type FleetDeps } from "./fleet.ts";

const DEFINITION = "arn:aws:ecs:local:0:task-definition/web:1";

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the view reads no other members
const SERVICE = {
  name: "web-blue",
  status: "ACTIVE",
  desiredCount: 3,
  runningCount: 3,
  pendingCount: 0,
  deployments: [{ taskDefinition: DEFINITION, rolloutState: "COMPLETED", reason: "" }],
  events: [],
} as unknown as FleetService;

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the view reads no other members
const TASK = {
  arn: "arn:aws:ecs:local:0:task/test/1",
  taskDefinition: DEFINITION,
  lastStatus: "RUNNING",
  desiredStatus: "RUNNING",
  containers: [],
  createdAtMs: 1,
} as unknown as FleetTask;

test("the release of a task definition is asked for once, and again only if that failed", async () => {
  let calls = 0;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the view calls no other methods
  const client = {
    until: () => client,
    services: (names: readonly string[]) =>
      Promise.resolve(names.map((name) => (name === SERVICE.name ? SERVICE : undefined))),
    tasks: (_: string, status = "RUNNING") =>
      Promise.resolve(status === "RUNNING" ? [TASK, TASK, TASK] : []),
    tagsOf() {
      calls += 1;
      if (calls === 1) return Promise.reject(new AppError("too_many_requests", "slow down"));
      return Promise.resolve({ [RELEASE_TAG]: "r2" });
    },
  } as unknown as FleetClient;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the view calls no other methods
  const deps = {
    fleet: { client, place: "nowhere", outputOf: () => Promise.resolve(undefined) },
    deployer: { workloads: ["web"], status: () => ({ workload: { live: "blue" } }) },
    workloads: { all: [], find: () => ({ workload: { port: 80 } }) },
  } as unknown as FleetDeps;
  const { fleet } = fleetOf(deps);
  await expect(fleet({})).rejects.toThrow("slow down");
  for (let read = 0; read < 3; read += 1) {
    const { services } = await fleet({});
    expect(services.map(({ release, tasks }) => [release, tasks.length])).toEqual([["r2", 3]]);
  }
  expect(calls).toBe(2);
});
