import { z } from "zod";

import type { SettingGroup, SettingsOf } from "#platform/settings/settings.ts";

export const managementSettings = {
  mongodbUrl: {
    variable: "MONGODB_URL",
    schema: z
      .string()
      // The address of a replica set has several hosts, which URL parsers reject.
      .regex(/^mongodb(?:\+srv)?:\/\/[^\s/?]+(?:\/[^\s]*)?$/, {
        error: "give mongodb://host:27017,host:27017/name?replicaSet=…",
      }),
    description: "Stores the settings of Management in MongoDB instead of PostgreSQL.",
    secret: true,
  },
} satisfies SettingGroup;

export type ManagementSettings = SettingsOf<typeof managementSettings>;
