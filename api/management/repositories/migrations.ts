import type { ModuleMigrations } from "#platform/postgres/migrate.ts";

/**
 * `facts` is null in rows of releases before that column; the document then has them. Contents are JSON as text,
 * written and read as a whole, which preserves the order of keys. `announced` is the last revision whose event was
 * published.
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
