import type { Clock } from "../clock.ts";
import type { Queryable } from "../postgres/database.ts";
import type { DeclaredJob, JobDefinition, NewJob } from "./define-job.ts";

/** The table is in the schema of the service, so that a job is committed together with its cause, or not at all. */
export const jobsMigrations = [
  {
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
  },
  {
    id: "kit-jobs-created-at",
    sql: `ALTER TABLE jobs ADD COLUMN created_at timestamptz;
  ALTER TABLE jobs ALTER COLUMN created_at SET DEFAULT now();
  CREATE INDEX jobs_failed ON jobs (id) WHERE failed_at IS NOT NULL`,
  },
];

/** Adds jobs of the declared kinds. */
export type Jobs<Declared extends JobDefinition> = {
  add<Kind extends Declared["kind"]>(
    tx: Queryable,
    job: DeclaredJob<Declared, Kind>,
  ): Promise<void>;
};

/** Adds jobs of any kind; the declarations of a service narrow it to `Jobs`. */
export type AnyJobs = { add(tx: Queryable, job: NewJob): Promise<void> };

export const createJobs = (schema: string, clock: Clock): AnyJobs => ({
  async add(tx, { kind, payload, runAtMs = clock.nowMs(), key }) {
    await tx.query(
      `INSERT INTO jobs (kind, payload, run_at, unique_key, created_at) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (unique_key) DO NOTHING`,
      [kind, JSON.stringify(payload), new Date(runAtMs), key ?? null, new Date(clock.nowMs())],
    );
    await wakeRunners(tx, schema);
  },
});

/** Wakes the job runners of all processes when the transaction commits. */
export const wakeRunners = (tx: Queryable, schema: string): Promise<unknown> =>
  tx.query("SELECT pg_notify($1, '')", [`${schema}.jobs`]);
