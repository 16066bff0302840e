/** Accounts, their sessions and secrets, and the audit trail. */
export const coreMigrations = [
  {
    id: "core-0001-accounts-and-sessions",
    sql: `CREATE TABLE accounts (
      id text PRIMARY KEY,
      email text UNIQUE,
      email_verified boolean NOT NULL DEFAULT false,
      name text NOT NULL,
      password_hash text,
      version integer NOT NULL DEFAULT 1,
      created_at timestamptz NOT NULL,
      updated_at timestamptz NOT NULL,
      closed_at timestamptz
    );
    CREATE INDEX accounts_order ON accounts (created_at, id);
    CREATE TABLE sessions (
      id text PRIMARY KEY,
      account_id text NOT NULL REFERENCES accounts (id),
      method text NOT NULL,
      client_id text,
      generation integer NOT NULL DEFAULT 1,
      rotated_at timestamptz NOT NULL,
      created_at timestamptz NOT NULL,
      last_seen_at timestamptz NOT NULL,
      idle_at timestamptz NOT NULL,
      absolute_at timestamptz NOT NULL,
      ended_at timestamptz,
      end_reason text,
      user_agent text NOT NULL,
      address text NOT NULL
    );
    CREATE INDEX sessions_of_account ON sessions (account_id, created_at, id);
    CREATE INDEX sessions_idle ON sessions (idle_at) WHERE ended_at IS NULL;
    CREATE INDEX sessions_ended ON sessions (ended_at) WHERE ended_at IS NOT NULL;
    CREATE TABLE throttle (
      key bytea PRIMARY KEY,
      full_at_ms bigint NOT NULL,
      refill_ms bigint NOT NULL,
      burst integer NOT NULL
    );
    CREATE INDEX throttle_full ON throttle (full_at_ms);
    CREATE TABLE mail_tokens (
      id text PRIMARY KEY,
      account_id text NOT NULL REFERENCES accounts (id),
      purpose text NOT NULL,
      email text NOT NULL,
      created_at timestamptz NOT NULL,
      expires_at timestamptz NOT NULL,
      used_at timestamptz
    );
    CREATE INDEX mail_tokens_of_account ON mail_tokens (account_id);
    CREATE INDEX mail_tokens_old ON mail_tokens (expires_at);
    CREATE TABLE totp (
      account_id text PRIMARY KEY REFERENCES accounts (id),
      secret bytea NOT NULL,
      created_at timestamptz NOT NULL,
      confirmed_at timestamptz,
      last_step bigint NOT NULL DEFAULT 0
    );
    CREATE TABLE recovery_codes (
      account_id text NOT NULL REFERENCES accounts (id),
      hash bytea NOT NULL,
      PRIMARY KEY (account_id, hash)
    )`,
  },
  {
    id: "core-0002-audit",
    sql: `CREATE TABLE audit (
      id bigserial PRIMARY KEY,
      at timestamptz NOT NULL,
      actor text NOT NULL,
      action text NOT NULL,
      outcome text NOT NULL,
      subject text,
      address text,
      user_agent text,
      trace_id text,
      detail jsonb NOT NULL,
      once_key text UNIQUE
    );
    CREATE INDEX audit_subject ON audit (subject, id);
    CREATE INDEX audit_actor ON audit (actor, id);
    CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION 'the audit trail is append-only: % is refused', TG_OP;
    END $$;
    CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
      FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()`,
  },
];
