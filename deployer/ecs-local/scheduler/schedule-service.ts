import { type Deployment, type EcsState, put, type Service, type Task } from "../state.ts";
import { createTask, definitionOf, lacking } from "./new-task.ts";
import {
  countsAsHealthy,
  failuresMax,
  planService,
  type ServicePlan,
  startDelayMs,
} from "./plan-service.ts";
import { completeRollout, failRollout } from "./rollout.ts";
import { addEvent, addEventOnce, namesOf } from "./service-events.ts";
import { stopTask } from "./task-lifecycle.ts";
import type { World } from "./world.ts";

const STEADY_EVENT_MS = 6 * 3_600_000;
/** A task that was healthy for so long did not end early. */
const LATE_END_S = 60;
const FAILED_HEALTH_CHECKS = "Task failed container health checks";

/** One step of the scheduler for one service: what has ended is counted, tasks are started and stopped, events are written. */
export function scheduleService(state: EcsState, arn: string, world: World): EcsState {
  const service = state.services.get(arn);
  if (!service || service.status === "INACTIVE") return state;
  const counted = countHealthy(countEnded(state, service, world), arn, world);
  const broken = breakCircuit(counted, arn, world);
  const planned = carryOut(broken, arn, world);
  return settle(planned, arn, world);
}

const tasksOf = (state: EcsState, arn: string): Task[] =>
  [...state.tasks.values()].filter(({ serviceArn }) => serviceArn === arn);

const living = (tasks: readonly Task[]): Task[] =>
  tasks.filter(({ lastStatus }) => lastStatus !== "STOPPED");

function serviceOf(state: EcsState, arn: string): Service {
  const service = state.services.get(arn);
  if (!service) throw new Error(`the service ${arn} is missing`);
  return service;
}

/** Counts tasks that ended by themselves or failed their health checks, each once. */
function countEnded(state: EcsState, service: Service, world: World): EcsState {
  const ended = tasksOf(state, service.arn).filter(
    ({ isAccounted, desiredStatus }) => !isAccounted && desiredStatus === "STOPPED",
  );
  if (ended.length === 0) return state;
  const deployments = service.deployments.map((deployment) =>
    ended
      .filter((task) => task.deploymentId === deployment.id && isFailure(task))
      .reduce((counted, task) => countFailure(counted, task, world), deployment),
  );
  const accounted = ended.map((task) => ({ ...task, isAccounted: true }));
  return put(put(state, "tasks", ...accounted), "services", { ...service, deployments });
}

const isFailure = ({ stopCode, stoppedReason }: Task): boolean =>
  stopCode === "EssentialContainerExited" ||
  stopCode === "TaskFailedToStart" ||
  stoppedReason === FAILED_HEALTH_CHECKS;

function countFailure(deployment: Deployment, task: Task, { nowMs, secondMs }: World): Deployment {
  const wasLate =
    task.healthyAtMs !== undefined && nowMs >= task.healthyAtMs + LATE_END_S * secondMs;
  const earlyEnds = wasLate ? 1 : deployment.earlyEnds + 1;
  const isInProgress = deployment.rolloutState === "IN_PROGRESS";
  return {
    ...deployment,
    earlyEnds,
    nextStartAtMs: nowMs + startDelayMs(earlyEnds, secondMs),
    failedTasks: deployment.failedTasks + (isInProgress ? 1 : 0),
    updatedAtMs: nowMs,
  };
}

function healthTest(state: EcsState, { nowMs, secondMs }: World): (task: Task) => boolean {
  return (task) => {
    const { containers } = definitionOf(state, task.taskDefinitionArn);
    const isChecked = containers.some((it) => it.healthCheck && (it.essential ?? true));
    return countsAsHealthy(task, { isChecked, nowMs, secondMs });
  };
}

/** Notes when tasks become healthy, which resets what the circuit breaker has counted. */
function countHealthy(state: EcsState, arn: string, world: World): EcsState {
  const isHealthy = healthTest(state, world);
  const fresh = tasksOf(state, arn).filter((it) => it.healthyAtMs === undefined && isHealthy(it));
  if (fresh.length === 0) return state;
  const service = serviceOf(state, arn);
  const breaker = service.deploymentConfiguration.deploymentCircuitBreaker;
  const deployments = service.deployments.map((it) =>
    breaker.resetOnHealthyTask === false || fresh.every((task) => task.deploymentId !== it.id)
      ? it
      : { ...it, failedTasks: 0 },
  );
  const noted = fresh.map((task) => ({ ...task, healthyAtMs: world.nowMs }));
  return put(put(state, "tasks", ...noted), "services", { ...service, deployments });
}

function breakCircuit(state: EcsState, arn: string, world: World): EcsState {
  const service = serviceOf(state, arn);
  const [primary] = service.deployments;
  const breaker = service.deploymentConfiguration.deploymentCircuitBreaker;
  if (!primary || !breaker.enable || primary.rolloutState !== "IN_PROGRESS") return state;
  if (primary.failedTasks < failuresMax(service)) return state;
  return put(state, "services", failRollout(service, world));
}

function carryOut(state: EcsState, arn: string, world: World): EcsState {
  const service = serviceOf(state, arn);
  const { nowMs } = world;
  const tasks = living(tasksOf(state, arn));
  const plan = planService({ service, tasks, isHealthy: healthTest(state, world), nowMs });
  const stopped = stopTasks(state, { service, plan, world });
  const started = startTasks(stopped, { service, plan, world });
  if (!plan.isStuck) return started;
  const message =
    "was unable to stop or start tasks during a deployment because of the service deployment configuration. Update the minimumHealthyPercent or maximumPercent value and try again.";
  return put(started, "services", addEventOnce(serviceOf(started, arn), message, world));
}

type Step = { service: Service; plan: ServicePlan; world: World };

function stopTasks(state: EcsState, { service, plan, world }: Step): EcsState {
  if (plan.stop.length === 0) return state;
  const { nowMs } = world;
  const ends = plan.stop.map(({ task, why }) =>
    stopTask(task, {
      code: "ServiceSchedulerInitiated",
      reason:
        why === "unhealthy"
          ? FAILED_HEALTH_CHECKS
          : `Scaling activity initiated by (deployment ${service.deployments[0]?.id ?? ""})`,
      nowMs,
    }),
  );
  let noted = service;
  for (const { task, why } of plan.stop) {
    if (why === "unhealthy") {
      noted = addEvent(noted, `(task ${task.id}) failed container health checks.`, world);
    }
  }
  const message = `has stopped ${ends.length} running tasks: ${namesOf(ends)}.`;
  return put(put(state, "tasks", ...ends), "services", addEvent(noted, message, world));
}

function startTasks(state: EcsState, { plan, world, ...step }: Step): EcsState {
  const service = serviceOf(state, step.service.arn);
  const [primary] = service.deployments;
  if (plan.start === 0 || !primary) return state;
  const definition = definitionOf(state, primary.taskDefinitionArn);
  let grown = state;
  const started: Task[] = [];
  let lack: ReturnType<typeof lacking>;
  while (started.length < plan.start && (lack = lacking(grown, world, definition)) === undefined) {
    const task = createTask(grown, world, {
      clusterArn: service.clusterArn,
      group: `service:${service.name}`,
      launchType: primary.launchType,
      networkConfiguration: primary.networkConfiguration,
      overrides: {},
      definition,
      startedBy: primary.id,
      serviceArn: service.arn,
      tags: tagsOf(service, definition.tags),
    });
    started.push(task);
    grown = put(grown, "tasks", task);
  }
  const noted =
    started.length === 0
      ? service
      : addEvent(service, `has started ${started.length} tasks: ${namesOf(started)}.`, world);
  if (lack === undefined) return put(grown, "services", noted);
  const what = lack === "CPU" ? "CPU units" : "memory";
  const message = `was unable to place a task because no container instance met all of its requirements. The closest matching container-instance has insufficient ${what} available.`;
  return put(grown, "services", addEventOnce(noted, message, world));
}

function tagsOf(service: Service, ofDefinition: Task["tags"]): Task["tags"] {
  const { propagateTags, tags } = service;
  const cluster = service.clusterArn.split("/").at(-1) ?? "";
  const managed = service.enableECSManagedTags
    ? [
        { key: "aws:ecs:clusterName", value: cluster },
        { key: "aws:ecs:serviceName", value: service.name },
      ]
    : [];
  if (propagateTags === "SERVICE") return [...tags, ...managed];
  return propagateTags === "TASK_DEFINITION" ? [...ofDefinition, ...managed] : managed;
}

/** Ends deployments without tasks, completes the primary one, and notes whether the service is steady. */
function settle(state: EcsState, arn: string, world: World): EcsState {
  const service = serviceOf(state, arn);
  const tasks = living(tasksOf(state, arn));
  const plan = planService({
    service,
    tasks,
    isHealthy: healthTest(state, world),
    nowMs: world.nowMs,
  });
  const deployments = service.deployments.filter(
    ({ id }, index) => index === 0 || tasks.some(({ deploymentId }) => deploymentId === id),
  );
  let next =
    deployments.length === service.deployments.length ? service : { ...service, deployments };
  if (plan.isSteady) next = noteSteady(completeRollout(next, world), world);
  else if (next.steadySinceMs !== undefined) next = { ...next, steadySinceMs: undefined };
  if (next.status === "DRAINING" && tasks.length === 0) {
    next = { ...next, status: "INACTIVE", deployments: [], inactiveAtMs: world.nowMs };
  }
  return next === service ? state : put(state, "services", next);
}

function noteSteady(service: Service, world: World): Service {
  const { steadySinceMs } = service;
  if (service.status !== "ACTIVE") return service;
  if (steadySinceMs !== undefined && world.nowMs < steadySinceMs + STEADY_EVENT_MS) return service;
  const noted = addEvent(service, "has reached a steady state.", world);
  return { ...noted, steadySinceMs: world.nowMs };
}
