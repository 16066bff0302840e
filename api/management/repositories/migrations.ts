import type { ModuleMigrations } from "#platform/postgres/migrate.ts";

/**
 * `facts` is null where a release wrote that did not know it yet: then the document has them.
 * Contents are JSON as text: they are written and read as a whole, and come back as they were written, with the order of
 * keys. `announced` is the last revision of which the event was published.
 */
export const migrations: ModuleMigrations["migrations"] = [
  {
    id: "0001-settings",
    sql: `
      CREATE TABLE applications (
        name text COLLATE "C" PRIMARY KEY,
        version integer NOT NULL,
        application text NOT NULL,
        secrets text[] NOT NULL
      );
      CREATE INDEX applications_secrets ON applications USING gin (secrets);
      CREATE TABLE revisions (
        application text COLLATE "C" NOT NULL,
        revision integer NOT NULL,
        document text NOT NULL,
        request text,
        PRIMARY KEY (application, revision),
        UNIQUE (application, request)
      );
      CREATE TABLE announced (
        application text PRIMARY KEY,
        revision integer NOT NULL
      );
      CREATE TABLE secrets (
        name text COLLATE "C" PRIMARY KEY,
        version integer NOT NULL,
        description text NOT NULL,
        sealed bytea NOT NULL,
        created_at timestamptz NOT NULL,
        rotated_at timestamptz NOT NULL,
        rotated_by text NOT NULL
      )`,
  },
  { id: "0002-revision-facts", sql: "ALTER TABLE revisions ADD COLUMN facts text" },
];
