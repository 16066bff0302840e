import { z } from "zod";

import type { SettingGroup } from "../settings/settings.ts";

/** Prefix of variables that the PostgreSQL client reads itself, such as PGSSLROOTCERT. */
export const PG_PREFIX = "PG";

export const databaseSettings = {
  /** Undefined: the embedded PostgreSQL is started, with its cluster in the data folder. */
  databaseUrl: {
    variable: "DATABASE_URL",
    schema: z.url({
      protocol: /^postgres(?:ql)?$/,
      error: "give postgres://user:password@host:5432/name",
    }),
    description: "URL of a PostgreSQL server (14 or newer) to use instead of the embedded one.",
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
        error: "give URLs such as postgres://user:password@host:5432/name, separated by commas",
      }),
    default: "",
    description:
      "URLs of streaming replicas of DATABASE_URL for reads that may be slightly stale, separated by commas.",
    secret: true,
  },
} satisfies SettingGroup;
