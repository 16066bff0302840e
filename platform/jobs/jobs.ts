import { z } from "zod";

import type { Clock } from "../clock.ts";
import type { Notifications } from "../events/notifications.ts";
import type { Log } from "../log.ts";
import type { Database, Queryable } from "../postgres/database.ts";

/**
 * Work that is promised in a transaction and done after it: mails, calls of a payment gateway, renewals, reports. A
 * table in the service's own schema, so that a promise is kept exactly when what it follows from was committed.
 */
export const jobsMigration = {
  id: "kit-jobs",
  sql: `CREATE TABLE jobs (
    id bigserial PRIMARY KEY,
    kind text NOT NULL,
    payload jsonb NOT NULL,
    run_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    leased_until timestamptz,
    lease integer NOT NULL DEFAULT 0,
    failed_at timestamptz,
    last_error text,
    unique_key text UNIQUE
  );
  CREATE INDEX jobs_due ON jobs (run_at) WHERE failed_at IS NULL`,
};

type Job = {
  kind: string;
  payload: Readonly<Record<string, unknown>>;
  /** Epoch ms; not before. Default: at once. */
  runAtMs?: number;
  /** At most one waiting job has this key: a second one is not added. */
  key?: string;
};

export type Jobs = {
  add(tx: Queryable, job: Job): Promise<void>;
};

export type JobRun = { payload: unknown; attempt: number; nowMs: number };
/**
 * Does a job. It may be done twice (a process that dies in between), so it must be idempotent. When it rejects it is
 * tried again, later and later; after `ATTEMPTS_MAX` the log says so, and it is kept as failed, or where the service is
 * patient done again every hour.
 */
type JobHandler = (run: JobRun) => Promise<void>;
export type JobHandlers = Readonly<Record<string, JobHandler>>;

/** Half a day, with the waits between them: longer than a mail server is away. */
export const ATTEMPTS_MAX = 24;
/** Whoever does a job says so again and again; a job whose process has died is free for the others after so long. */
const LEASE_MS = 20_000;
const RENEW_MS = 5_000;
const POLL_MS = 1_000;
/** Of one process, side by side. */
const AT_ONCE = 8;
const BACKOFF_MS = { first: 1_000, most: 3_600_000 };

export function createJobs(schema: string, clock: Clock): Jobs {
  return {
    async add(tx, job) {
      await tx.query(
        `INSERT INTO jobs (kind, payload, run_at, unique_key) VALUES ($1, $2, $3, $4)
         ON CONFLICT (unique_key) DO NOTHING`,
        [
          job.kind,
          JSON.stringify(job.payload),
          new Date(job.runAtMs ?? clock.nowMs()),
          job.key ?? null,
        ],
      );
      // Heard when the transaction commits.
      await tx.query("SELECT pg_notify($1, '')", [`${schema}.jobs`]);
    },
  };
}

type RunnerDeps = {
  database: Database;
  handlers: JobHandlers;
  clock: Clock;
  log: Log;
  /** No job is given up. */
  patient: boolean;
};

const Claimed = z.object({
  id: z.number(),
  kind: z.string(),
  payload: z.unknown(),
  attempts: z.number(),
  lease: z.number(),
});
type Claimed = z.infer<typeof Claimed>;

/** Does the jobs that are due now, side by side; returns how many. A job that another process has is left to it. */
export async function runDueJobs(deps: RunnerDeps): Promise<number> {
  const claimed = await claimJobs(deps, AT_ONCE);
  await Promise.all(claimed.map((job) => runJob(deps, job)));
  return claimed.length;
}

/** One that has been tried often waits long for its next turn, also where its process dies in this one. */
async function claimJobs(deps: RunnerDeps, most: number): Promise<Claimed[]> {
  const nowMs = deps.clock.nowMs();
  const rows = await deps.database.query(
    `UPDATE jobs SET leased_until = $2, attempts = attempts + 1, lease = lease + 1,
       run_at = CASE WHEN attempts < $5 THEN run_at ELSE $6 END WHERE id IN (
       SELECT id FROM jobs WHERE run_at <= $1 AND failed_at IS NULL AND (leased_until IS NULL OR leased_until <= $1)
         AND kind = ANY($3) ORDER BY run_at, id LIMIT $4 FOR UPDATE SKIP LOCKED)
     RETURNING id, kind, payload, attempts, lease`,
    [
      new Date(nowMs),
      new Date(nowMs + LEASE_MS),
      Object.keys(deps.handlers),
      most,
      ATTEMPTS_MAX,
      new Date(nowMs + BACKOFF_MS.most),
    ],
  );
  return rows.map((row) => Claimed.parse(row)).toSorted((a, b) => a.id - b.id);
}

async function runJob(deps: RunnerDeps, job: Claimed): Promise<void> {
  try {
    // A job that takes its process with it fails nowhere, and must not do so for ever.
    if (job.attempts > ATTEMPTS_MAX && !deps.patient)
      throw new Error("its process died each time that it was tried");
    await whileRenewed(deps, job, async () => {
      const run = { payload: job.payload, attempt: job.attempts, nowMs: deps.clock.nowMs() };
      await deps.handlers[job.kind]?.(run);
    });
    await deps.database.query("DELETE FROM jobs WHERE id = $1 AND lease = $2", leaseOf(job));
  } catch (error) {
    await putOff(deps, job, error);
  }
}

const leaseOf = ({ id, lease }: Claimed): number[] => [id, lease];

/** Keeps the lease for as long as the work takes. */
async function whileRenewed(
  { database, clock }: RunnerDeps,
  job: Claimed,
  work: () => Promise<void>,
): Promise<void> {
  const renew = async (): Promise<void> => {
    await database.query("UPDATE jobs SET leased_until = $3 WHERE id = $1 AND lease = $2", [
      ...leaseOf(job),
      new Date(clock.nowMs() + LEASE_MS),
    ]);
  };
  // While the database is away nobody else can take the job either.
  const timer = setInterval(() => void renew().catch(() => undefined), RENEW_MS);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
}

/** Tries it again later and later; in the end gives it up and keeps it, unless the service is patient. */
async function putOff(deps: RunnerDeps, job: Claimed, error: unknown): Promise<void> {
  const often = job.attempts >= ATTEMPTS_MAX;
  const giveUp = often && !deps.patient;
  const waitMs = Math.min(BACKOFF_MS.first * 2 ** (job.attempts - 1), BACKOFF_MS.most);
  const nowMs = deps.clock.nowMs();
  deps.log[often ? "error" : "warn"](giveUp ? "a job has failed" : "a job will be tried again", {
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
      giveUp ? new Date(nowMs) : null,
    ],
  );
}

/**
 * Does jobs as they become due, until it is stopped; `stop` waits for those that run. One that takes long keeps its
 * place among AT_ONCE, and holds up no other.
 */
export function startJobRunner(deps: RunnerDeps & { notifications: Notifications }): {
  stop(): Promise<void>;
} {
  const state = { stopped: false, again: false };
  const running = new Set<Promise<void>>();
  let wake: (() => void) | undefined;
  const ring = (): void => {
    state.again = true;
    wake?.();
  };
  deps.notifications.on("jobs", ring);
  function begin(job: Claimed): void {
    // What cannot be written down now is tried again when the lease is over.
    const done: Promise<void> = runJob(deps, job)
      .catch(() => undefined)
      .finally(() => {
        running.delete(done);
        ring();
      });
    running.add(done);
  }
  async function loop(): Promise<void> {
    while (!state.stopped) {
      state.again = false;
      const free = AT_ONCE - running.size;
      // No database: it is asked again, as nothing is lost by waiting.
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
