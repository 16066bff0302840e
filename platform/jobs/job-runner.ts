import { z } from "zod";

import type { Clock } from "../clock.ts";
import type { Notifications } from "../events/notifications.ts";
import type { Log } from "../log.ts";
import type { Database } from "../postgres/database.ts";
import { ATTEMPTS_MAX, type AnyJobHandlers, type JobDefinition } from "./define-job.ts";

/** A running job renews its lease; if its process dies, another one takes over the job after this time. */
const LEASE_MS = 20_000;
const RENEW_MS = 5_000;
const POLL_MS = 1_000;
/** Maximum number of concurrent jobs per process. */
const CONCURRENCY = 8;
const BACKOFF_MS = { first: 1_000, most: 3_600_000 };

export type JobRunnerDeps = {
  database: Database;
  definitions: readonly JobDefinition[];
  handlers: AnyJobHandlers;
  clock: Clock;
  log: Log;
};

const ClaimedJob = z.object({
  id: z.number(),
  kind: z.string(),
  payload: z.unknown(),
  attempts: z.number(),
  lease: z.number(),
});
type ClaimedJob = z.infer<typeof ClaimedJob>;

/** Runs the jobs that are due, except those claimed by other processes; resolves with their number. */
export async function runDueJobs(deps: JobRunnerDeps): Promise<number> {
  const claimed = await claimJobs(deps, CONCURRENCY);
  await Promise.all(claimed.map((job) => runJob(deps, job)));
  return claimed.length;
}

/**
 * After many attempts, the next one is scheduled later before the job starts, in case it kills its process. A lease that
 * ends in hours is from before the clock was set back.
 */
async function claimJobs(deps: JobRunnerDeps, jobsMax: number): Promise<ClaimedJob[]> {
  const nowMs = deps.clock.nowMs();
  const rows = await deps.database.query(
    `UPDATE jobs SET leased_until = $2, attempts = attempts + 1, lease = lease + 1,
       run_at = CASE WHEN attempts < $5 THEN run_at ELSE $6 END WHERE id IN (
       SELECT id FROM jobs WHERE run_at <= $1 AND failed_at IS NULL
         AND (leased_until IS NULL OR leased_until <= $1 OR leased_until > $6)
         AND kind = ANY($3) ORDER BY run_at, id LIMIT $4 FOR UPDATE SKIP LOCKED)
     RETURNING id, kind, payload, attempts, lease`,
    [
      new Date(nowMs),
      new Date(nowMs + LEASE_MS),
      deps.definitions.map(({ kind }) => kind),
      jobsMax,
      ATTEMPTS_MAX,
      new Date(nowMs + BACKOFF_MS.most),
    ],
  );
  return rows.map((row) => ClaimedJob.parse(row)).toSorted((a, b) => a.id - b.id);
}

async function runJob(deps: JobRunnerDeps, job: ClaimedJob): Promise<void> {
  const definition = deps.definitions.find(({ kind }) => kind === job.kind);
  const handler = deps.handlers[job.kind];
  if (definition === undefined || handler === undefined) throw new Error(`no job ${job.kind}`);
  let attemptsMax = definition.attemptsMax;
  try {
    if (attemptsMax !== "unlimited" && job.attempts > attemptsMax)
      throw new Error("its process died at every attempt");
    const payload = definition.payload.safeParse(job.payload);
    if (!payload.success) {
      // Retried because a newer release may run beside this one; an old payload fails every time.
      attemptsMax = ATTEMPTS_MAX;
      throw new Error(`the payload does not fit its schema: ${z.prettifyError(payload.error)}`);
    }
    await withLease(deps, job, () =>
      // The payload was parsed by the schema from which the type of the handler follows.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      handler(payload.data as never, { attempt: job.attempts, nowMs: deps.clock.nowMs() }),
    );
    await deps.database.query("DELETE FROM jobs WHERE id = $1 AND lease = $2", leaseOf(job));
  } catch (error) {
    await recordFailure(deps, job, { error, attemptsMax });
  }
}

const leaseOf = ({ id, lease }: ClaimedJob): number[] => [id, lease];

/** Renews the lease until the work is done. */
async function withLease(
  { database, clock }: JobRunnerDeps,
  job: ClaimedJob,
  work: () => Promise<void>,
): Promise<void> {
  const renew = async (): Promise<void> => {
    await database.query("UPDATE jobs SET leased_until = $3 WHERE id = $1 AND lease = $2", [
      ...leaseOf(job),
      new Date(clock.nowMs() + LEASE_MS),
    ]);
  };
  // While the database is unavailable, no other process can take the job either.
  const timer = setInterval(() => void renew().catch(() => undefined), RENEW_MS);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
}

/** Schedules the next attempt, or keeps the job as failed. */
async function recordFailure(
  deps: JobRunnerDeps,
  job: ClaimedJob,
  { error, attemptsMax }: { error: unknown; attemptsMax: number | "unlimited" },
): Promise<void> {
  const failed = attemptsMax !== "unlimited" && job.attempts >= attemptsMax;
  const waitMs = Math.min(BACKOFF_MS.first * 2 ** (job.attempts - 1), BACKOFF_MS.most);
  const nowMs = deps.clock.nowMs();
  const level = job.attempts >= ATTEMPTS_MAX ? "error" : "warn";
  deps.log[level](failed ? "a job has failed" : "a job failed and will be attempted again", {
    "event.action": job.kind,
    attempt: job.attempts,
    error,
  });
  await deps.database.query(
    `UPDATE jobs SET leased_until = NULL, run_at = $3, last_error = $4, failed_at = $5,
     unique_key = CASE WHEN $5::timestamptz IS NULL THEN unique_key END
     WHERE id = $1 AND lease = $2`,
    [
      ...leaseOf(job),
      new Date(nowMs + waitMs),
      error instanceof Error ? error.message : String(error),
      failed ? new Date(nowMs) : null,
    ],
  );
}

/**
 * Runs jobs as they become due, until stopped; `stop` waits for running jobs. A long job occupies one of
 * CONCURRENCY slots and does not delay others.
 */
export function startJobRunner(deps: JobRunnerDeps & { notifications: Notifications }): {
  stop(): Promise<void>;
} {
  const state = { stopped: false, again: false };
  const running = new Set<Promise<void>>();
  let wake: (() => void) | undefined;
  const lookAgain = (): void => {
    state.again = true;
    wake?.();
  };
  deps.notifications.on("jobs", lookAgain);
  function begin(job: ClaimedJob): void {
    // If the result cannot be written, the job is attempted again when its lease ends.
    const done: Promise<void> = runJob(deps, job)
      .catch(() => undefined)
      .finally(() => {
        running.delete(done);
        lookAgain();
      });
    running.add(done);
  }
  async function loop(): Promise<void> {
    while (!state.stopped) {
      state.again = false;
      const free = CONCURRENCY - running.size;
      // While the database is unavailable, jobs wait.
      const claimed = free === 0 ? [] : await claimJobs(deps, free).catch(() => []);
      for (const job of claimed) begin(job);
      if (state.again || state.stopped) continue;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, POLL_MS);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    await Promise.all(running);
  }
  const looping = loop();
  return {
    async stop() {
      state.stopped = true;
      wake?.();
      await looping;
    },
  };
}
