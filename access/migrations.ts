import type { ModuleMigrations } from "#platform/postgres/migrate.ts";

export const accessMigrations: ModuleMigrations = {
  module: "access",
  migrations: [
    {
      id: "0001-members",
      sql: `
        CREATE TABLE members (
          id text PRIMARY KEY,
          email text NOT NULL UNIQUE,
          name text NOT NULL,
          role text NOT NULL CHECK (role IN ('owner', 'member')),
          password_hash text,
          created_at timestamptz NOT NULL
        );
        CREATE TABLE setup_links (
          token_hash bytea PRIMARY KEY,
          expires_at timestamptz NOT NULL
        );
        CREATE TABLE sessions (
          token_hash bytea PRIMARY KEY,
          member_id text NOT NULL REFERENCES members ON DELETE CASCADE,
          address text NOT NULL,
          created_at timestamptz NOT NULL,
          seen_at timestamptz NOT NULL
        );
        CREATE INDEX sessions_by_member ON sessions (member_id);
        CREATE TABLE grants (
          id text PRIMARY KEY,
          member_id text NOT NULL REFERENCES members ON DELETE CASCADE,
          capability text NOT NULL CHECK (capability IN ('chart', 'view', 'manage', 'own')),
          target text NOT NULL,
          expires_at timestamptz,
          granted_by text REFERENCES members ON DELETE SET NULL,
          created_at timestamptz NOT NULL,
          UNIQUE (member_id, capability, target)
        );
      `,
    },
    {
      id: "0002-audit",
      sql: `
        CREATE TABLE audit (
          id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          at timestamptz NOT NULL,
          actor text NOT NULL,
          action text NOT NULL,
          target text NOT NULL,
          before jsonb,
          after jsonb,
          address text NOT NULL
        );
        CREATE INDEX audit_by_time ON audit (at);
        CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
          $$ BEGIN RAISE EXCEPTION 'the audit log is only ever added to'; END $$;
        CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
          FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
      `,
    },
    {
      id: "0003-installation",
      sql: `
        CREATE TABLE installation (id text PRIMARY KEY);
        INSERT INTO installation SELECT left(md5(gen_random_uuid()::text), 8);
      `,
    },
  ],
};
