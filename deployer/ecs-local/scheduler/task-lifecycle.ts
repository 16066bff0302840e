import type { ContainerDefinition, HealthStatus } from "../shapes.ts";
import type { Container, StopCode, Task, TaskDefinition } from "../state.ts";
import { dependenciesOf, dependentsOf } from "./dependencies.ts";
import type { Action, Health, World } from "./world.ts";

const STOP_TIMEOUT_S = 30;
const START_TIMEOUT_S = 180;

type Context = { definition: TaskDefinition; world: World };

/** The task after what can be seen of its processes; one step of its life at a time. The same object if nothing changes. */
export function advanceTask(task: Task, context: Context): Task {
  if (task.lastStatus === "STOPPED") return task;
  const observed = observe(task, context);
  const decided = stopIfEnded(observed, context);
  const moved =
    decided.desiredStatus === "RUNNING"
      ? towardsRunning(decided, context)
      : towardsStopped(decided, context);
  return moved === task ? task : { ...moved, version: task.version + 1 };
}

/** The task on its way to an end. Ending it again changes nothing. */
export function stopTask(
  task: Task,
  { code, reason, nowMs }: { code: StopCode; reason: string; nowMs: number },
): Task {
  if (task.desiredStatus === "STOPPED") return task;
  return {
    ...task,
    desiredStatus: "STOPPED",
    stopCode: code,
    stoppedReason: reason,
    stoppingAtMs: nowMs,
    version: task.version + 1,
  };
}

/** What has to be done for a task in this state. */
export function actionsOf(task: Task, { definition, world }: Context): Action[] {
  if (task.lastStatus === "STOPPED") return [];
  return task.containers.flatMap((container): Action[] => {
    const it = { task, container: container.name };
    if (!container.isLaunched || container.lastStatus === "STOPPED") return [];
    const { kind } = world.processOf(task, container.name);
    if (kind === "none") {
      return [{ type: task.desiredStatus === "RUNNING" ? "start" : "prevent", ...it }];
    }
    if (kind !== "running" || container.stopAtMs === undefined) return [];
    const { stopTimeout = STOP_TIMEOUT_S } = definitionOf(definition, container.name) ?? {};
    const timeoutS = Math.min(stopTimeout, world.stopTimeoutMaxS ?? Infinity);
    const isLate = world.nowMs >= container.stopAtMs + timeoutS * world.secondMs;
    return [{ type: "signal", ...it, signal: isLate ? "SIGKILL" : "SIGTERM" }];
  });
}

const definitionOf = (
  { containers }: TaskDefinition,
  name: string,
): ContainerDefinition | undefined => containers.find((it) => it.name === name);

const isEssential = (definition: TaskDefinition, name: string): boolean =>
  definitionOf(definition, name)?.essential ?? true;

/** Unknown unless essential containers have health checks and all of them have passed. */
function healthOf(task: Task, definition: TaskDefinition): HealthStatus {
  const all = task.containers
    .filter(
      ({ name }) =>
        isEssential(definition, name) && definitionOf(definition, name)?.healthCheck !== undefined,
    )
    .map(({ healthStatus }) => healthStatus);
  if (all.includes("UNHEALTHY")) return "UNHEALTHY";
  return all.length === 0 || all.includes("UNKNOWN") ? "UNKNOWN" : "HEALTHY";
}

function observe(task: Task, { definition, world }: Context): Task {
  const containers = task.containers.map((it) => observeContainer(it, task, world));
  if (containers.every((it, index) => it === task.containers[index])) return task;
  const observed = { ...task, containers };
  return { ...observed, healthStatus: healthOf(observed, definition) };
}

function observeContainer(container: Container, task: Task, world: World): Container {
  if (!container.isLaunched || container.lastStatus === "STOPPED") return container;
  const { nowMs } = world;
  const process = world.processOf(task, container.name);
  if (process.kind === "none" || process.kind === "starting") return container;
  if (process.kind === "failed") {
    return { ...container, lastStatus: "STOPPED", reason: process.reason };
  }
  const startedAtMs = container.startedAtMs ?? nowMs;
  if (process.kind === "exited") {
    const { exitCode } = process;
    const end = exitCode === undefined ? { reason: "The exit code is not known." } : { exitCode };
    return { ...container, lastStatus: "STOPPED", startedAtMs, ...end };
  }
  return observeRunning(
    { ...container, startedAtMs },
    container,
    world.healthOf(task, container.name),
  );
}

/** With why its last check failed, once it counts as unhealthy. */
function observeRunning(
  started: Container,
  container: Container,
  health: Health | undefined,
): Container {
  const healthStatus = health?.status ?? container.healthStatus;
  if (container.lastStatus === "RUNNING" && healthStatus === container.healthStatus) {
    return container;
  }
  const reason = healthStatus === "UNHEALTHY" ? health?.problem : undefined;
  return { ...started, lastStatus: "RUNNING", healthStatus, reason };
}

/** A task ends with any of its essential containers, and if one cannot be started. */
function stopIfEnded(task: Task, { definition, world }: Context): Task {
  const { nowMs } = world;
  if (task.desiredStatus === "STOPPED") return task;
  const stop = (code: StopCode, reason: string): Task => stopTask(task, { code, reason, nowMs });
  const ended = task.containers.find(
    ({ name, lastStatus }) => lastStatus === "STOPPED" && isEssential(definition, name),
  );
  if (ended?.startedAtMs !== undefined) {
    return stop("EssentialContainerExited", "Essential container in task exited");
  }
  if (ended) return stop("TaskFailedToStart", "Task failed to start");
  const blocked = task.containers.find((it) => isBlocked(it, task, { definition, world }));
  if (!blocked) return task;
  const reason = `DependencyError: the dependencies of ${blocked.name} were not met.`;
  const containers = task.containers.map((it) => (it === blocked ? { ...it, reason } : it));
  return { ...stop("TaskFailedToStart", "Task failed to start"), containers };
}

/** Whether a container can never start, or has waited for too long for those that it depends on. */
function isBlocked(container: Container, task: Task, { definition, world }: Context): boolean {
  const own = definitionOf(definition, container.name);
  if (!own || container.isLaunched) return false;
  const outcome = dependenciesOf(own, task);
  if (outcome !== "waiting") return outcome === "impossible";
  const timeoutS = own.startTimeout ?? START_TIMEOUT_S;
  return world.nowMs >= (task.pendingAtMs ?? world.nowMs) + timeoutS * world.secondMs;
}

function towardsRunning(task: Task, { definition, world }: Context): Task {
  const { lastStatus } = task;
  if (lastStatus === "PROVISIONING") {
    return { ...task, lastStatus: "PENDING", pendingAtMs: world.nowMs };
  }
  if (lastStatus === "ACTIVATING") {
    return { ...task, lastStatus: "RUNNING", startedAtMs: world.nowMs };
  }
  if (lastStatus !== "PENDING") return task;
  const haveStarted = task.containers.every(({ startedAtMs }) => startedAtMs !== undefined);
  return haveStarted ? { ...task, lastStatus: "ACTIVATING" } : launchReady(task, definition);
}

function launchReady(task: Task, definition: TaskDefinition): Task {
  let changed = false;
  const containers = task.containers.map((container) => {
    const own = definitionOf(definition, container.name);
    if (!own || container.isLaunched || dependenciesOf(own, task) !== "met") return container;
    changed = true;
    return { ...container, isLaunched: true };
  });
  return changed ? { ...task, containers } : task;
}

function towardsStopped(task: Task, { definition, world }: Context): Task {
  switch (task.lastStatus) {
    case "PROVISIONING":
    case "PENDING":
    case "ACTIVATING":
    case "RUNNING":
      return { ...task, lastStatus: "DEACTIVATING" };
    case "DEACTIVATING":
      return { ...task, lastStatus: "STOPPING" };
    case "STOPPING":
      if (task.containers.every(({ lastStatus }) => lastStatus === "STOPPED")) {
        return { ...task, lastStatus: "DEPROVISIONING", executionStoppedAtMs: world.nowMs };
      }
      return stopContainers(task, definition, world.nowMs);
    case "DEPROVISIONING":
      return { ...task, lastStatus: "STOPPED", stoppedAtMs: world.nowMs };
    case "STOPPED":
      return task;
  }
}

function stopContainers(task: Task, definition: TaskDefinition, nowMs: number): Task {
  const isStopped = (name: string): boolean =>
    task.containers.every((it) => it.name !== name || it.lastStatus === "STOPPED");
  let changed = false;
  const containers = task.containers.map((container): Container => {
    if (container.lastStatus === "STOPPED" || container.stopAtMs !== undefined) return container;
    if (!dependentsOf(container.name, definition.containers).every(isStopped)) return container;
    changed = true;
    return container.isLaunched
      ? { ...container, stopAtMs: nowMs }
      : { ...container, lastStatus: "STOPPED" };
  });
  return changed ? { ...task, containers } : task;
}
