import type { Service, Task } from "../state.ts";

/** A task that has no health check of its own counts as healthy so long after it has begun to run. */
const UNCHECKED_S = 40;

/** How many tasks to start, which to stop, and whether nothing is left to do. */
export type ServicePlan = {
  start: number;
  stop: { task: Task; why: "scaling" | "unhealthy" }[];
  /** All tasks are of the primary deployment, healthy, and as many as desired. */
  isSteady: boolean;
  /** Neither a start nor a stop is allowed by the percentages although tasks must be replaced. */
  isStuck: boolean;
};

type Input = {
  service: Service;
  /** The tasks of the service that have not stopped. */
  tasks: readonly Task[];
  /** Whether a task counts towards the healthy ones. */
  isHealthy(task: Task): boolean;
  nowMs: number;
};

/**
 * Decides from counts alone: at most `maximumPercent` (rounded down) of the desired count are started or running, and
 * none is stopped for another one while fewer than `minimumHealthyPercent` (rounded up) would remain healthy. An
 * unhealthy task is replaced before it is stopped, if there is room.
 */
export function planService(input: Input): ServicePlan {
  const counts = countTasks(input);
  const { desired, own, old, missing, room, live } = counts;
  const { nowMs, isHealthy, tasks } = input;
  const mayStart = !counts.hasFailed && nowMs >= counts.nextStartAtMs;
  const stop = tasksToStop(counts, input);
  const isWhole = own.length === desired && old.length === 0 && own.every(isHealthy);
  const isMoving = tasks.length > live.length;
  const isBlocked = mayStart && missing > 0 && room === 0 && stop.length === 0;
  return {
    start: mayStart ? Math.min(missing, room) : 0,
    stop,
    isSteady: isWhole && !isMoving,
    isStuck: isBlocked && !isMoving && live.every(isHealthy),
  };
}

type Counts = ReturnType<typeof countTasks>;

function countTasks({ service, tasks, isHealthy }: Input) {
  const desired = service.status === "ACTIVE" ? service.desiredCount : 0;
  const { minimumHealthyPercent, maximumPercent } = service.deploymentConfiguration;
  const [primary] = service.deployments;
  const live = tasks.filter(({ desiredStatus }) => desiredStatus === "RUNNING");
  const own = live.filter(({ deploymentId }) => deploymentId === primary?.id);
  const usable = own.filter(({ healthStatus }) => healthStatus !== "UNHEALTHY");
  const healthyMin = Math.ceil((desired * minimumHealthyPercent) / 100);
  const tasksMax = Math.floor((desired * maximumPercent) / 100);
  return {
    desired,
    live,
    /** Of the primary deployment. */
    own,
    old: live.filter((it) => !own.includes(it)),
    usable,
    missing: Math.max(0, desired - usable.length),
    room: Math.max(0, tasksMax - live.length),
    /** How many healthy tasks can be done without. */
    spare: live.filter(isHealthy).length - healthyMin,
    hasFailed: primary?.rolloutState === "FAILED",
    nextStartAtMs: primary?.nextStartAtMs ?? 0,
  };
}

function tasksToStop(counts: Counts, { isHealthy, nowMs }: Input): ServicePlan["stop"] {
  const { own, old, usable, desired, room, hasFailed, spare } = counts;
  const isReplaced = own.filter(isHealthy).length >= desired;
  // After a failed deployment without a roll-back the tasks of the earlier one remain.
  const mayReplace = !hasFailed || desired === 0;
  return [
    ...unhealthyToStop(own, { isReplaced, room, hasFailed }),
    ...excess(usable, usable.length - desired, { isHealthy, nowMs }),
    ...(mayReplace ? replaced(old, { spare, isHealthy, nowMs }) : []),
  ];
}

function unhealthyToStop(
  own: readonly Task[],
  { isReplaced, room, hasFailed }: { isReplaced: boolean; room: number; hasFailed: boolean },
): ServicePlan["stop"] {
  const unhealthy = own.filter(({ healthStatus }) => healthStatus === "UNHEALTHY");
  const count = isReplaced || hasFailed ? unhealthy.length : room === 0 ? 1 : 0;
  return unhealthy.slice(0, count).map((task) => ({ task, why: "unhealthy" }));
}

type Choice = { isHealthy(task: Task): boolean; nowMs: number };

/** Tasks that are not healthy yet are stopped first, then the youngest ones. */
function excess(usable: readonly Task[], count: number, choice: Choice): ServicePlan["stop"] {
  if (count <= 0) return [];
  return unprotected(usable, choice.nowMs)
    .toSorted(
      (a, b) =>
        Number(choice.isHealthy(a)) - Number(choice.isHealthy(b)) || b.createdAtMs - a.createdAtMs,
    )
    .slice(0, count)
    .map((task) => ({ task, why: "scaling" }));
}

/** Tasks of earlier deployments: those that do not count as healthy, and as many of the others as are to spare. */
function replaced(
  old: readonly Task[],
  { spare, ...choice }: Choice & { spare: number },
): ServicePlan["stop"] {
  const candidates = unprotected(old, choice.nowMs);
  const healthy = candidates.filter(choice.isHealthy);
  return [
    ...candidates.filter((it) => !choice.isHealthy(it)),
    ...healthy.slice(0, Math.max(0, spare)),
  ].map((task) => ({ task, why: "scaling" }));
}

const unprotected = (tasks: readonly Task[], nowMs: number): Task[] =>
  tasks.filter(({ protectedUntilMs = 0 }) => protectedUntilMs <= nowMs);

/** Whether a task counts towards the healthy tasks of its service. */
export function countsAsHealthy(
  task: Task,
  { isChecked, nowMs, secondMs }: { isChecked: boolean; nowMs: number; secondMs: number },
): boolean {
  if (task.desiredStatus !== "RUNNING" || task.lastStatus !== "RUNNING") return false;
  if (isChecked) return task.healthStatus === "HEALTHY";
  return nowMs >= (task.startedAtMs ?? nowMs) + UNCHECKED_S * secondMs;
}

const FAILURES = { min: 3, max: 200, percent: 50 };

/** How many failed tasks the circuit breaker tolerates before the deployment has failed. */
export function failuresMax({ deploymentConfiguration, desiredCount }: Service): number {
  const { thresholdConfiguration: own } = deploymentConfiguration.deploymentCircuitBreaker;
  if (own?.type === "COUNT") return own.value;
  const share = Math.ceil((desiredCount * (own?.value ?? FAILURES.percent)) / 100);
  if (own?.type === "UNBOUNDED_PERCENT") return Math.max(1, share);
  return Math.min(FAILURES.max, Math.max(FAILURES.min, share));
}

const RESTART = { firstMs: 1_000, maxMs: 60_000, freeEnds: 2 };

/** How long to wait with the next start after so many tasks in a row that ended early. */
export function startDelayMs(earlyEnds: number, secondMs: number): number {
  if (earlyEnds < RESTART.freeEnds) return 0;
  const doublings = Math.min(earlyEnds - RESTART.freeEnds, 16);
  return (Math.min(RESTART.maxMs, RESTART.firstMs * 2 ** doublings) * secondMs) / 1_000;
}
