export const migrations = [
  {
    id: "0001-lake",
    sql: `CREATE TABLE extracts (
      source text PRIMARY KEY,
      cursor text,
      data_until timestamptz,
      read_at timestamptz,
      facts bigint NOT NULL DEFAULT 0,
      rejected bigint NOT NULL DEFAULT 0,
      last_rejected text,
      last_error text,
      last_error_at timestamptz
    );
    CREATE TABLE lake_files (
      id text PRIMARY KEY,
      fact text NOT NULL,
      day text NOT NULL,
      path text NOT NULL UNIQUE,
      rows bigint NOT NULL,
      bytes bigint NOT NULL,
      created_at timestamptz NOT NULL,
      loaded_at timestamptz
    );
    CREATE INDEX lake_files_day ON lake_files (fact, day);
    CREATE INDEX lake_files_unloaded ON lake_files (fact) WHERE loaded_at IS NULL`,
  },
  {
    id: "0002-runs",
    sql: `CREATE TABLE schedules (
      id text PRIMARY KEY,
      name text NOT NULL,
      report text NOT NULL,
      parameters jsonb NOT NULL,
      format text NOT NULL,
      cron text NOT NULL,
      time_zone text NOT NULL,
      paused boolean NOT NULL,
      next_at timestamptz,
      last_run_id text,
      version integer NOT NULL DEFAULT 1,
      created_at timestamptz NOT NULL,
      updated_at timestamptz NOT NULL
    );
    CREATE TABLE runs (
      id text PRIMARY KEY,
      report text NOT NULL,
      parameters jsonb NOT NULL,
      format text NOT NULL,
      schedule_id text,
      status text NOT NULL,
      as_of timestamptz NOT NULL,
      created_at timestamptz NOT NULL,
      finished_at timestamptz,
      data_until jsonb,
      rows integer,
      bytes integer,
      error text,
      result bytea
    );
    CREATE INDEX runs_newest ON runs (created_at DESC, id DESC);
    CREATE INDEX runs_of_schedule ON runs (schedule_id, created_at DESC)`,
  },
];
