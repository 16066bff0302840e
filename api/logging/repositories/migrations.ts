import type { Service } from "#api/kit/service.ts";

export const migrations: Service["migrations"] = [
  {
    id: "0001-retention",
    sql: `CREATE TABLE retention (
      dataset text PRIMARY KEY,
      days integer CHECK (days > 0),
      version integer NOT NULL,
      changed_at timestamptz,
      changed_by text
    )`,
  },
];
