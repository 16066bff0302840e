import { databaseSettings } from "#platform/postgres/settings.ts";
import type { SettingGroup } from "#platform/settings/settings.ts";

export const journalSettings = {
  journalUrl: {
    variable: "QUARTERDECK_DEPLOYS_DATABASE_URL",
    schema: databaseSettings.databaseUrl.schema,
    description:
      "URL of a PostgreSQL database for the records of deploys, without a pool of connections between. Several processes of the role deploys may share it: one works, and the others wait to take over. Without it the records are in the data folder.",
    secret: true,
  },
} satisfies SettingGroup;
