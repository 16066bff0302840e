import * as fc from "fast-check";
import { expect, test } from "vitest";

import type { Task } from "../state.ts";
import { placeFor } from "./network.ts";
import { createTask } from "./new-task.ts";
import { CLUSTER_ARN, definition, TestWorld } from "./testing-world.ts";

const PORTS = { name: "app", portMappings: [{ containerPort: 80 }, { containerPort: 81 }] };

/** Tasks that were created one after the other, of which some have stopped. */
function tasksWith(
  network: "own_addresses" | "shared_address",
  stopped: readonly boolean[],
): Task[] {
  const { state, world } = new TestWorld({ desiredCount: 0 });
  const wanted = {
    definition: definition("a", [PORTS]),
    clusterArn: CLUSTER_ARN,
    group: "",
    launchType: "FARGATE",
    overrides: {},
    networkConfiguration: undefined,
    tags: [],
  };
  const tasks: Task[] = [];
  for (const isStopped of stopped) {
    const known = new Map(tasks.map((task) => [task.arn, task]));
    const task = createTask({ ...state, tasks: known }, { ...world, network }, wanted);
    tasks.push(isStopped ? { ...task, lastStatus: "STOPPED" } : task);
  }
  return tasks;
}

test("no address and no port is given twice while it is remembered", () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 60 }), (stopped) => {
      const addresses = tasksWith("own_addresses", stopped).map(({ address }) => address);
      expect(new Set(addresses).size).toBe(stopped.length);
      expect(addresses.every((it) => /^127\.64\.\d{1,3}\.\d{1,3}$/.test(it))).toBe(true);
      const ports = tasksWith("shared_address", stopped).flatMap(({ containers }) =>
        containers.flatMap((it) => it.ports.map(({ hostPort }) => hostPort)),
      );
      expect(new Set(ports).size).toBe(2 * stopped.length);
    }),
    { numRuns: 30 },
  );
});

test("if all were used, one of a stopped task is given again", () => {
  const [task] = tasksWith("shared_address", [false]);
  if (!task) throw new Error("no task");
  const withPort = (index: number): Task => ({
    ...task,
    lastStatus: index === 4_321 ? "STOPPED" : "RUNNING",
    containers: task.containers.map((it) => ({
      ...it,
      ports: [{ containerPort: 80, hostPort: 20_000 + index, protocol: "tcp" }],
    })),
  });
  const all = Array.from({ length: 10_000 }, (_, index) => withPort(index));
  const place = placeFor({ network: "shared_address", newId: () => "0".repeat(32) }, all);
  const one = { name: "app", portMappings: [{ containerPort: 80 }] };
  expect(place.portsOf(one)).toMatchObject([{ hostPort: 24_321 }]);
  expect(() => place.portsOf(one)).toThrow(/All addresses/);
});

test("fleets on one machine begin at different addresses", () => {
  const addressWith = (id: string): string =>
    placeFor({ network: "own_addresses", newId: () => id.padEnd(32, "0") }, []).address;
  expect(addressWith("00000000")).toBe("127.64.0.1");
  expect(addressWith("0000fffd")).toBe("127.64.255.254");
  expect(addressWith("89abcdef")).toMatch(/^127\.64\.\d{1,3}\.\d{1,3}$/);
});
