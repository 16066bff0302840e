import { type EcsState, put, remove } from "../state.ts";
import { definitionOf } from "./new-task.ts";
import { scheduleService } from "./schedule-service.ts";
import { actionsOf, advanceTask } from "./task-lifecycle.ts";
import type { Action, World } from "./world.ts";

/** Stopped tasks and inactive services can be described for an hour; client tokens are known for a day. */
const KEEP_MS = 3_600_000;
const KEEP_REQUESTS_MS = 24 * 3_600_000;
/** A task has 8 states; more rounds than this would be a loop. */
const ROUNDS_MAX = 50;

/**
 * The next state and what has to be done in the world for it, from the state and what the world looks like. To be called
 * again and again; without changes in the world it returns the same state. Without scheduling, services start and stop no
 * tasks.
 */
export function step(
  state: EcsState,
  world: World,
  { schedules }: { schedules: boolean } = { schedules: true },
): { state: EcsState; actions: Action[] } {
  let next = state;
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const before = next;
    next = advanceTasks(next, world);
    if (schedules) next = advanceServices(next, world);
    if (next === before) break;
  }
  const kept = expire(next, world.nowMs);
  const actions = [...kept.tasks.values()].flatMap((task) =>
    actionsOf(task, { definition: definitionOf(kept, task.taskDefinitionArn), world }),
  );
  return { state: kept, actions };
}

function advanceTasks(state: EcsState, world: World): EcsState {
  const changed = [...state.tasks.values()].flatMap((task) => {
    const definition = definitionOf(state, task.taskDefinitionArn);
    const advanced = advanceTask(task, { definition, world });
    return advanced === task ? [] : [advanced];
  });
  return put(state, "tasks", ...changed);
}

const advanceServices = (state: EcsState, world: World): EcsState =>
  [...state.services.keys()].reduce((next, arn) => scheduleService(next, arn, world), state);

function expire(state: EcsState, nowMs: number): EcsState {
  const tasks = [...state.tasks.values()].filter(
    ({ stoppedAtMs }) => stoppedAtMs !== undefined && nowMs >= stoppedAtMs + KEEP_MS,
  );
  const services = [...state.services.values()].filter(
    ({ inactiveAtMs }) => inactiveAtMs !== undefined && nowMs >= inactiveAtMs + KEEP_MS,
  );
  const requests = [...state.requests.values()].filter(
    ({ atMs }) => nowMs >= atMs + KEEP_REQUESTS_MS,
  );
  const withoutTasks = remove(state, "tasks", arns(tasks));
  return remove(remove(withoutTasks, "services", arns(services)), "requests", arns(requests));
}

const arns = (all: readonly { arn: string }[]): string[] => all.map(({ arn }) => arn);
