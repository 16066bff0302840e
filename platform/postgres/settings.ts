import { z } from "zod";

import type { SettingGroup } from "../settings/settings.ts";

/** Beginning of the variables that the PostgreSQL client reads by itself, such as PGSSLROOTCERT. */
export const PG_PREFIX = "PG";

export const databaseSettings = {
  /** Undefined: PostgreSQL is started as a child, in the data folder. */
  databaseUrl: {
    variable: "DATABASE_URL",
    schema: z.url({
      protocol: /^postgres(?:ql)?$/,
      error: "give postgres://user:password@host:5432/name",
    }),
    description: "PostgreSQL 14 or newer to use instead of the embedded one.",
    secret: true,
  },
} satisfies SettingGroup;

export const replicaSettings = {
  replicaUrls: {
    variable: "DATABASE_REPLICA_URLS",
    schema: z
      .string()
      .transform((text) =>
        text
          .split(",")
          .map((it) => it.trim())
          .filter((it) => it !== ""),
      )
      .refine((urls) => urls.every((it) => /^postgres(?:ql)?:\/\//.test(it) && URL.canParse(it)), {
        error: "give addresses like postgres://user:password@host:5432/name, divided by commas",
      }),
    default: "",
    description:
      "Streaming replicas of DATABASE_URL for reads that may be a moment old, divided by commas.",
    secret: true,
  },
} satisfies SettingGroup;
