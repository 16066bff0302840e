/** Signing keys, and all tables for authorization. */
export const identityMigrations = [
  {
    id: "identity-0001-signing-keys",
    sql: `CREATE TABLE signing_keys (
      kid text PRIMARY KEY,
      public_jwk jsonb NOT NULL,
      private_key bytea NOT NULL,
      created_at timestamptz NOT NULL,
      active_at timestamptz,
      retired_at timestamptz
    );
    CREATE UNIQUE INDEX signing_keys_one_signs ON signing_keys ((true))
      WHERE active_at IS NOT NULL AND retired_at IS NULL;
    CREATE UNIQUE INDEX signing_keys_one_is_next ON signing_keys ((true)) WHERE active_at IS NULL`,
  },
  {
    id: "identity-0002-products-roles-grants",
    sql: `CREATE TABLE products (
      id text PRIMARY KEY,
      slug text NOT NULL UNIQUE,
      name text NOT NULL,
      description text NOT NULL,
      -- [{name, description}]; null: any permission, as its services have catalogues of their own.
      permissions jsonb,
      version integer NOT NULL DEFAULT 1,
      created_at timestamptz NOT NULL,
      updated_at timestamptz NOT NULL
    );
    CREATE TABLE roles (
      id text PRIMARY KEY,
      product_id text NOT NULL REFERENCES products (id),
      name text NOT NULL,
      description text NOT NULL,
      permissions text[] NOT NULL,
      version integer NOT NULL DEFAULT 1,
      created_at timestamptz NOT NULL,
      updated_at timestamptz NOT NULL,
      UNIQUE (product_id, name)
    );
    CREATE TABLE grants (
      id text PRIMARY KEY,
      subject_id text NOT NULL,
      product_id text NOT NULL REFERENCES products (id),
      role_id text REFERENCES roles (id),
      permissions text[] NOT NULL,
      expires_at timestamptz,
      reason text NOT NULL,
      granted_by text NOT NULL,
      version integer NOT NULL DEFAULT 1,
      created_at timestamptz NOT NULL,
      updated_at timestamptz NOT NULL,
      UNIQUE (subject_id, role_id)
    );
    CREATE INDEX grants_order ON grants (created_at, id);
    CREATE INDEX grants_role ON grants (role_id);
    INSERT INTO products (id, slug, name, description, permissions, created_at, updated_at) VALUES
      ('prd_000000000000000000000001', 'quarterdeck', 'Quarterdeck', 'The control plane and its domain APIs.', NULL, now(), now());
    INSERT INTO roles (id, product_id, name, description, permissions, created_at, updated_at) VALUES
      ('rol_000000000000000000000001', 'prd_000000000000000000000001', 'admin', 'Everything in every service.',
       '{accounts:*,billing:*,management:*,logging:*,reporting:*}', now(), now())`,
  },
  {
    id: "identity-0003-service-accounts",
    sql: `CREATE TABLE service_accounts (
      id text PRIMARY KEY,
      name text NOT NULL UNIQUE,
      description text NOT NULL,
      disabled boolean NOT NULL DEFAULT false,
      version integer NOT NULL DEFAULT 1,
      created_by text NOT NULL,
      created_at timestamptz NOT NULL,
      updated_at timestamptz NOT NULL
    );
    CREATE INDEX service_accounts_order ON service_accounts (created_at, id);
    CREATE TABLE api_keys (
      id text PRIMARY KEY,
      service_account_id text NOT NULL REFERENCES service_accounts (id) ON DELETE CASCADE,
      name text NOT NULL,
      secret_hash bytea NOT NULL,
      scopes text[] NOT NULL,
      expires_at timestamptz NOT NULL,
      last_used_at timestamptz,
      revoked_at timestamptz,
      created_by text NOT NULL,
      created_at timestamptz NOT NULL
    );
    CREATE INDEX api_keys_order ON api_keys (service_account_id, created_at, id)`,
  },
  {
    id: "identity-0004-oauth",
    sql: `CREATE TABLE oauth_clients (
      id text PRIMARY KEY,
      product_id text NOT NULL REFERENCES products (id),
      name text NOT NULL,
      -- Null: a public client, which cannot keep a secret.
      secret_hash bytea,
      redirect_uris text[] NOT NULL,
      post_logout_redirect_uris text[] NOT NULL,
      version integer NOT NULL DEFAULT 1,
      created_by text NOT NULL,
      created_at timestamptz NOT NULL,
      updated_at timestamptz NOT NULL
    );
    CREATE INDEX oauth_clients_order ON oauth_clients (created_at, id);
    CREATE TABLE oauth_sign_ins (
      session_id text PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
      code_hash bytea NOT NULL UNIQUE,
      client_id text NOT NULL REFERENCES oauth_clients (id) ON DELETE CASCADE,
      redirect_uri text NOT NULL,
      code_challenge text NOT NULL,
      nonce text,
      scope text NOT NULL,
      expires_at timestamptz NOT NULL,
      used_at timestamptz
    );
    CREATE INDEX oauth_sign_ins_client ON oauth_sign_ins (client_id)`,
  },
  {
    id: "identity-0005-passkeys",
    sql: `CREATE TABLE passkeys (
      id text PRIMARY KEY,
      account_id text NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
      credential_id text NOT NULL UNIQUE,
      public_key bytea NOT NULL,
      counter bigint NOT NULL,
      transports text[] NOT NULL,
      name text NOT NULL,
      synced boolean NOT NULL,
      version integer NOT NULL DEFAULT 1,
      created_at timestamptz NOT NULL,
      last_used_at timestamptz
    );
    CREATE INDEX passkeys_account ON passkeys (account_id, created_at, id);
    CREATE TABLE passkey_challenges (
      hash bytea PRIMARY KEY,
      -- Null: to sign in, by whoever has a passkey.
      account_id text,
      expires_at timestamptz NOT NULL
    );
    CREATE INDEX passkey_challenges_age ON passkey_challenges (expires_at)`,
  },
  {
    id: "identity-0006-roles",
    sql: `INSERT INTO roles (id, product_id, name, description, permissions, created_at, updated_at) VALUES
      ('rol_000000000000000000000002', 'prd_000000000000000000000001', 'support',
       'Looks after customers: sees what they have and pays them back.',
       '{accounts:accounts:read,billing:customers:read,billing:disputes:read,billing:invoices:read,billing:payments:read,billing:refunds:read,billing:refunds:write,billing:subscriptions:read,logging:logs:read}',
       now(), now()),
      ('rol_000000000000000000000003', 'prd_000000000000000000000001', 'analyst',
       'Reads reports, the ledger and logs, and changes nothing.',
       '{billing:invoices:read,billing:ledger:read,billing:subscriptions:read,logging:logs:read,reporting:reports:read}',
       now(), now())`,
  },
];
