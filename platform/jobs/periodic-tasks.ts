import { z } from "zod";

import type { Queryable } from "../postgres/database.ts";
import {
  type AnyJobHandlers,
  type JobDefinition,
  type JobHandler,
  type JobRun,
  defineJob,
} from "./define-job.ts";
import type { AnyJobs } from "./jobs.ts";

const Turn = z.object({ slot: z.number(), turn: z.number() });
type Turn = z.infer<typeof Turn>;

/** Work that is done periodically, in one process at a time. */
export type PeriodicTask = {
  /** Job kind of its runs. */
  readonly kind: string;
  readonly everyMs: number;
  /** "again": there is more work, so the next run starts immediately. */
  work(run: JobRun): Promise<"again" | "done">;
};

type Deps = { database: Queryable; jobs: AnyJobs };

/** Each run of a task is a job. */
export const periodicJobs = (tasks: readonly PeriodicTask[]): JobDefinition[] =>
  tasks.map(({ kind }) => defineJob(kind, Turn, { attemptsMax: "unlimited" }));

export const periodicHandlers = (deps: Deps, tasks: readonly PeriodicTask[]): AnyJobHandlers =>
  Object.fromEntries(tasks.map((task) => [task.kind, handlerOf(deps, task)]));

/** Performs the work and then adds the next run, so that runs never overlap. */
const handlerOf =
  (deps: Deps, task: PeriodicTask): JobHandler<Turn> =>
  async ({ slot, turn }, run) => {
    if ((await task.work(run)) === "again") {
      return addTurn(deps, task, { slot, turn: turn + 1, atMs: run.nowMs });
    }
    const next = Math.max(slot, Math.floor(run.nowMs / task.everyMs)) + 1;
    return addTurn(deps, task, { slot: next, turn: 0, atMs: next * task.everyMs });
  };

/** Starts the tasks that are not scheduled yet; only one of several processes adds the first run. */
export async function startPeriodicTasks(
  deps: Deps,
  tasks: readonly PeriodicTask[],
  nowMs: number,
): Promise<void> {
  for (const task of tasks) {
    await addTurn(deps, task, { slot: Math.floor(nowMs / task.everyMs), turn: 0, atMs: nowMs });
  }
}

/** The time slot is the key of the job, so that concurrent processes add each run only once. */
const addTurn = (
  { database, jobs }: Deps,
  { kind }: PeriodicTask,
  { slot, turn, atMs }: Turn & { atMs: number },
): Promise<void> =>
  jobs.add(database, {
    kind,
    payload: { slot, turn },
    runAtMs: atMs,
    key: `${kind} ${slot}.${turn}`,
  });
