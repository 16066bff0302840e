import type { ModuleMigrations } from "#platform/postgres/migrate.ts";

/** Tables of the journal in PostgreSQL. */
export const deployerMigrations: ModuleMigrations = {
  module: "deployer",
  migrations: [
    {
      id: "0001-journal",
      sql: `
        CREATE TABLE deploy_writer (fence bigint NOT NULL);
        INSERT INTO deploy_writer VALUES (0);
        CREATE TABLE deploys (
          id text PRIMARY KEY,
          workload text NOT NULL,
          place double precision NOT NULL,
          state text NOT NULL,
          is_active boolean NOT NULL,
          is_done boolean NOT NULL,
          train text,
          request_key text UNIQUE,
          version bigint NOT NULL,
          body jsonb NOT NULL
        );
        CREATE UNIQUE INDEX deploys_one_active ON deploys (workload) WHERE is_active;
        CREATE INDEX deploys_by_place ON deploys (place);
        CREATE INDEX deploys_unfinished ON deploys (id) WHERE NOT is_done;
        CREATE INDEX deploys_by_train ON deploys (train);
        CREATE TABLE deploy_workloads (id text PRIMARY KEY, version bigint NOT NULL, body jsonb NOT NULL);
        CREATE TABLE deploy_trains (id text PRIMARY KEY, version bigint NOT NULL, body jsonb NOT NULL);
        CREATE TABLE deploy_freezes (id text PRIMARY KEY, version bigint NOT NULL, body jsonb NOT NULL);
        CREATE TABLE deploy_effects (
          seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          id text NOT NULL UNIQUE,
          deploy text,
          intent jsonb NOT NULL,
          result jsonb
        );
        CREATE INDEX deploy_effects_by_deploy ON deploy_effects (deploy, seq);
        CREATE TABLE deploy_audit (seq bigint PRIMARY KEY, body jsonb NOT NULL);
        CREATE FUNCTION deploy_audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
          $$ BEGIN RAISE EXCEPTION 'the audit log is only ever added to'; END $$;
        CREATE TRIGGER deploy_audit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON deploy_audit
          FOR EACH STATEMENT EXECUTE FUNCTION deploy_audit_is_append_only();
      `,
    },
  ],
};
