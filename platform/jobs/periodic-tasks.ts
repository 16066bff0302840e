import { z } from "zod";

import type { Queryable } from "../postgres/database.ts";
import {
  type JobDefinition,
  type JobHandler,
  type JobRun,
  type NewJob,
  defineJob,
} from "./define-job.ts";

const Turn = z.object({ slot: z.number(), turn: z.number() });
type Turn = z.infer<typeof Turn>;

/** A job that runs periodically, in one process at a time. */
export type PeriodicTask<Kind extends string> = JobDefinition<Kind, typeof Turn> & {
  readonly everyMs: number;
};

export const definePeriodicTask = <const Kind extends string>(
  kind: Kind,
  everyMs: number,
): PeriodicTask<Kind> => ({ ...defineJob(kind, Turn, { attemptsMax: "unlimited" }), everyMs });

type Deps<Kind extends string> = {
  database: Queryable;
  jobs: { add(tx: Queryable, job: NewJob<Kind, Turn>): Promise<void> };
};

/**
 * Handles a periodic task: performs the work and then adds the next run, so that runs never overlap. "again": there is
 * more work, so the next run starts immediately.
 */
export const periodicHandler =
  <Kind extends string>(
    deps: Deps<Kind>,
    task: PeriodicTask<Kind>,
    work: (run: JobRun) => Promise<"again" | "done">,
  ): JobHandler<Turn> =>
  async ({ slot, turn }, run) => {
    if ((await work(run)) === "again") {
      return addTurn(deps, task, { slot, turn: turn + 1, atMs: run.nowMs });
    }
    const next = Math.max(slot, Math.floor(run.nowMs / task.everyMs)) + 1;
    return addTurn(deps, task, { slot: next, turn: 0, atMs: next * task.everyMs });
  };

/** Starts the tasks that are not scheduled yet; only one of several processes adds the first run. */
export async function startPeriodicTasks<Kind extends string>(
  deps: Deps<Kind>,
  tasks: readonly PeriodicTask<Kind>[],
  nowMs: number,
): Promise<void> {
  for (const task of tasks) {
    await addTurn(deps, task, { slot: Math.floor(nowMs / task.everyMs), turn: 0, atMs: nowMs });
  }
}

/** The time slot is the key of the job, so that concurrent processes add each run only once. */
const addTurn = <Kind extends string>(
  { database, jobs }: Deps<Kind>,
  { kind }: PeriodicTask<Kind>,
  { slot, turn, atMs }: Turn & { atMs: number },
): Promise<void> =>
  jobs.add(database, {
    kind,
    payload: { slot, turn },
    runAtMs: atMs,
    key: `${kind} ${slot}.${turn}`,
  });
