import * as fc from "fast-check";
import { expect, test } from "vitest";

import type { EcsState, Task } from "../state.ts";
import { definition, TestWorld } from "./testing-world.ts";

const DEFINITIONS = [definition("a"), definition("b"), definition("c")];

/** What may happen to a fleet between two steps. */
const Happening = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant("wait" as const), seconds: fc.nat(30) }) },
  fc.record({ type: fc.constant("kill" as const), index: fc.nat(20) }),
  fc.record({ type: fc.constant("sicken" as const), index: fc.nat(20) }),
  fc.record({ type: fc.constant("heal" as const), index: fc.nat(20) }),
  fc.record({ type: fc.constant("scale" as const), count: fc.nat(6) }),
  fc.record({ type: fc.constant("deploy" as const), family: fc.constantFrom("a", "b", "c") }),
  fc.record({ type: fc.constant("killEndpoint" as const) }),
);
type Happening = typeof Happening extends fc.Arbitrary<infer T> ? T : never;

function apply(world: TestWorld, it: Happening): void {
  const pick = (index: number): string | undefined => {
    const running = [...world.processes].filter(([, { kind }]) => kind === "running");
    return running[index % Math.max(1, running.length)]?.[0];
  };
  if (it.type === "wait") world.nowMs += it.seconds * 1_000;
  else if (it.type === "scale") world.update({ desiredCount: it.count });
  else if (it.type === "deploy") world.deploy(`definition/${it.family}`);
  else if (it.type !== "killEndpoint") {
    const key = pick(it.index);
    if (key === undefined) return;
    if (it.type === "kill") world.processes.set(key, { kind: "exited", exitCode: 137 });
    else world.health.set(key, it.type === "heal" ? "HEALTHY" : "UNHEALTHY");
  }
}

const isHealthy = (task: Task): boolean =>
  task.desiredStatus === "RUNNING" &&
  task.lastStatus === "RUNNING" &&
  task.healthStatus === "HEALTHY";

/** Whether the last step has decided to stop a task that was healthy. */
const stopsHealthyTask = (before: EcsState, { state, processes, health }: TestWorld): boolean =>
  [...state.tasks.values()].some((task) => {
    const earlier = before.tasks.get(task.arn);
    const key = `${task.id}/app`;
    return (
      task.stopCode === "ServiceSchedulerInitiated" &&
      earlier !== undefined &&
      isHealthy(earlier) &&
      processes.get(key)?.kind === "running" &&
      health.get(key) === "HEALTHY"
    );
  });

const Percents = fc.constantFrom([100, 200], [50, 100], [0, 100], [100, 150], [50, 200]);

test("whatever happens, percentages are kept, no process is started twice, and the service becomes steady", () => {
  fc.assert(
    fc.property(fc.array(Happening, { maxLength: 40 }), Percents, (happenings, percents) => {
      const [minimumHealthyPercent = 0, maximumPercent = 0] = percents;
      const deploymentConfiguration = {
        minimumHealthyPercent,
        maximumPercent,
        deploymentCircuitBreaker: { enable: false, rollback: false },
        strategy: "ROLLING" as const,
      };
      const world = new TestWorld({ deploymentConfiguration }, DEFINITIONS);
      for (const it of happenings) {
        apply(world, it);
        const before = world.state;
        const healthyBefore = [...before.tasks.values()].filter(isHealthy).length;
        world.step({ isKilled: it.type === "killEndpoint" });
        const { desiredCount } = world.service();
        const tasksMax = Math.floor((desiredCount * maximumPercent) / 100);
        const healthyMin = Math.ceil((desiredCount * minimumHealthyPercent) / 100);
        const hasStarted = [...world.state.tasks.keys()].some((arn) => !before.tasks.has(arn));
        if (hasStarted) expect(world.live().length).toBeLessThanOrEqual(tasksMax);
        const healthyNow = world.live().filter(isHealthy).length;
        if (stopsHealthyTask(before, world) && healthyBefore >= healthyMin) {
          expect(healthyNow).toBeGreaterThanOrEqual(healthyMin);
        }
      }
      for (const [key, health] of world.health) {
        if (health === "UNHEALTHY") world.health.set(key, "HEALTHY");
      }
      world.run(400);
      const { desiredCount, deployments, events } = world.service();
      if (deployments.length > 1 && mayNotMove(desiredCount, percents)) {
        expect(events[0]?.message).toContain("was unable to stop or start tasks");
        return;
      }
      expect(world.live().filter(isHealthy)).toHaveLength(desiredCount);
      expect(deployments.map(({ rolloutState }) => rolloutState)).toEqual(["COMPLETED"]);
      expect([...world.starts.values()].every((count) => count === 1)).toBe(true);
    }),
    { numRuns: 300 },
  );
});

/** Whether the percentages allow neither one task more nor one less. */
const mayNotMove = (desired: number, [min = 0, max = 0]: readonly number[]): boolean =>
  Math.floor((desired * max) / 100) <= desired && Math.ceil((desired * min) / 100) >= desired;

test("without changes in the world a step changes nothing", () => {
  fc.assert(
    fc.property(fc.array(Happening, { maxLength: 20 }), (happenings) => {
      const world = new TestWorld({}, DEFINITIONS);
      for (const it of happenings) {
        apply(world, it);
        world.step();
      }
      world.step();
      world.step();
      const { state } = world;
      world.step();
      expect(world.state).toBe(state);
    }),
  );
});

test("tasks of a failed deployment are started less and less often, and the circuit breaker ends it", () => {
  const world = new TestWorld({ desiredCount: 2 }, DEFINITIONS);
  world.startsAs = { kind: "exited", exitCode: 1 };
  world.run(60);
  const [primary] = world.service().deployments;
  expect(primary).toMatchObject({ rolloutState: "FAILED", failedTasks: 4 });
  expect(world.starts.size).toBe(4);
  world.run(600);
  expect(world.starts.size).toBe(4);
});

test("without a circuit breaker crashing tasks are started again after growing delays", () => {
  const world = new TestWorld({ desiredCount: 1 }, DEFINITIONS);
  const { deploymentConfiguration } = world.service();
  world.update({
    deploymentConfiguration: {
      ...deploymentConfiguration,
      deploymentCircuitBreaker: { enable: false, rollback: false },
    },
  });
  world.startsAs = { kind: "exited", exitCode: 1 };
  world.run(60);
  const inFirstMinute = world.starts.size;
  world.run(600);
  expect(inFirstMinute).toBeGreaterThan(5);
  expect(world.starts.size - inFirstMinute).toBeLessThanOrEqual(11);
});

test("with a roll-back the circuit breaker returns to the last completed deployment", () => {
  const world = new TestWorld({}, DEFINITIONS);
  world.run(5);
  const { deploymentConfiguration } = world.service();
  world.update({
    deploymentConfiguration: {
      ...deploymentConfiguration,
      deploymentCircuitBreaker: { enable: true, rollback: true },
    },
  });
  world.startsAs = { kind: "exited", exitCode: 1 };
  const before = world.live();
  world.deploy("definition/b");
  world.run(60);
  const { deployments, events } = world.service();
  expect(world.live().map(({ id }) => id)).toEqual(before.map(({ id }) => id));
  expect(deployments.map((it) => it.taskDefinitionArn)).toEqual(["definition/a"]);
  expect(events.map(({ message }) => message).join("\n")).toContain("rolling back to deployment");
});

test("without one the tasks of the earlier deployment keep running", () => {
  const world = new TestWorld({}, DEFINITIONS);
  world.run(5);
  world.startsAs = { kind: "exited", exitCode: 1 };
  world.deploy("definition/b");
  world.run(60);
  expect(world.live().map((it) => it.taskDefinitionArn)).toEqual(["definition/a", "definition/a"]);
  expect(world.service().deployments.map((it) => it.rolloutState)).toEqual(["FAILED", "COMPLETED"]);
});

test.each([
  [{ type: "COUNT" as const, value: 5 }, 10, 5],
  [{ type: "UNBOUNDED_PERCENT" as const, value: 10 }, 10, 1],
  [{ type: "BOUNDED_PERCENT" as const, value: 50 }, 10, 5],
  [undefined, 1, 3],
])(
  "the threshold %o of a service of %i tasks is %i failures",
  (thresholdConfiguration, desiredCount, failures) => {
    const world = new TestWorld({}, DEFINITIONS);
    const breaker = {
      enable: true,
      rollback: false,
      ...(thresholdConfiguration ? { thresholdConfiguration } : {}),
    };
    const { deploymentConfiguration } = world.service();
    world.update({
      desiredCount,
      deploymentConfiguration: { ...deploymentConfiguration, deploymentCircuitBreaker: breaker },
    });
    const failed = (): number => world.service().deployments[0]?.failedTasks ?? 0;
    const state = (): string => world.service().deployments[0]?.rolloutState ?? "";
    world.healthOfNew = "UNKNOWN";
    while (state() === "IN_PROGRESS" && failed() <= 20) {
      world.step();
      const [running] = [...world.processes].find(([, { kind }]) => kind === "running") ?? [];
      if (running !== undefined) world.processes.set(running, { kind: "exited", exitCode: 1 });
      world.nowMs += 60_000;
    }
    expect(failed()).toBe(failures);
  },
);

test("a healthy task resets the failures unless the service says otherwise", () => {
  for (const resetOnHealthyTask of [true, false]) {
    const world = new TestWorld({ desiredCount: 3 }, DEFINITIONS);
    const { deploymentConfiguration } = world.service();
    const deploymentCircuitBreaker = { enable: true, rollback: false, resetOnHealthyTask };
    world.update({
      deploymentConfiguration: { ...deploymentConfiguration, deploymentCircuitBreaker },
    });
    world.healthOfNew = "UNKNOWN";
    world.step();
    const [first = "", second = ""] = world.processes.keys();
    world.processes.set(first, { kind: "exited", exitCode: 1 });
    world.step();
    world.health.set(second, "HEALTHY");
    world.step();
    expect(world.service().deployments[0]?.failedTasks).toBe(resetOnHealthyTask ? 0 : 1);
  }
});

test("a protected task is not stopped until its protection ends", () => {
  const world = new TestWorld({ desiredCount: 1 }, DEFINITIONS);
  world.run(5);
  const [task] = world.live();
  if (!task) throw new Error("no task");
  const protectedUntilMs = world.nowMs + 10_000;
  world.state = { ...world.state, tasks: new Map([[task.arn, { ...task, protectedUntilMs }]]) };
  world.update({ desiredCount: 0 });
  world.run(9);
  expect(world.live()).toHaveLength(1);
  world.run(5);
  expect(world.live()).toHaveLength(0);
});

test("a task without a health check counts after 40 seconds", () => {
  const world = new TestWorld({ desiredCount: 1 }, [definition("a", [{ name: "app" }])]);
  world.run(39);
  expect(world.service().deployments[0]?.rolloutState).toBe("IN_PROGRESS");
  world.run(3);
  expect(world.service().deployments[0]?.rolloutState).toBe("COMPLETED");
});

test("containers start in the order of their dependencies and stop in the reverse order", () => {
  const containers = [
    { name: "proxy", dependsOn: [{ containerName: "app", condition: "HEALTHY" as const }] },
    { name: "app", healthCheck: { command: ["CMD", "true"] } },
  ];
  const world = new TestWorld({ desiredCount: 1 }, [definition("a", containers)]);
  world.healthOfNew = "UNKNOWN";
  const did = (): string[] =>
    world.step().map((it) => `${it.type === "signal" ? it.signal : it.type} ${it.container}`);
  expect(did()).toEqual(["start app"]);
  expect(did()).toEqual([]);
  const [app = ""] = world.processes.keys();
  world.health.set(app, "HEALTHY");
  expect(did()).toEqual(["start proxy"]);
  world.run(3);
  world.update({ desiredCount: 0 });
  expect(did()).toEqual(["SIGTERM proxy"]);
  expect(did()).toEqual(["SIGTERM app"]);
});

test("a container that ignores SIGTERM is killed after its stop timeout", () => {
  const containers = [{ name: "app", stopTimeout: 5, healthCheck: { command: ["CMD", "true"] } }];
  const world = new TestWorld({ desiredCount: 1 }, [definition("a", containers)]);
  world.obeysTerm = false;
  world.run(3);
  world.update({ desiredCount: 0 });
  world.run(5);
  const [task] = world.state.tasks.values();
  expect(task?.lastStatus).toBe("STOPPING");
  world.run(3);
  const [killed] = world.state.tasks.values();
  expect(killed).toMatchObject({ lastStatus: "STOPPED", containers: [{ exitCode: 137 }] });
});

test("an endpoint that was killed before it started a process starts it later", () => {
  const world = new TestWorld({ desiredCount: 1 }, DEFINITIONS);
  world.step({ isKilled: true });
  expect(world.starts.size).toBe(0);
  world.run(3);
  expect([...world.starts.values()]).toEqual([1]);
});

test("a process that was not started when its task is stopped never starts", () => {
  const world = new TestWorld({ desiredCount: 1 }, DEFINITIONS);
  world.step({ isKilled: true });
  world.update({ desiredCount: 0 });
  world.run(3);
  expect(world.starts.size).toBe(0);
  expect([...world.state.tasks.values()].map(({ lastStatus }) => lastStatus)).toEqual(["STOPPED"]);
});

test("stopped tasks can be described for an hour", () => {
  const world = new TestWorld({ desiredCount: 1 }, DEFINITIONS);
  world.run(3);
  world.update({ desiredCount: 0 });
  world.run(3);
  world.nowMs += 3_590_000;
  world.step();
  expect(world.state.tasks.size).toBe(1);
  world.nowMs += 20_000;
  world.step();
  expect(world.state.tasks.size).toBe(0);
});
