/** Signing keys, and all that says who may do what. */
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
];
