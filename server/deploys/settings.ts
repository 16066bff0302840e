import { z } from "zod";

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

export const ecsSettings = {
  ecsRegion: {
    variable: "QUARTERDECK_ECS_REGION",
    schema: z.string().regex(/^[a-z]{2,}(?:-[a-z]+)+-\d+$/, {
      error: "give a region of AWS, such as eu-west-1",
    }),
    description:
      "Region of Amazon ECS. With it, deploys run there, as ecs.yaml in the data folder describes, with the AWS credentials that the SDK finds (AWS_ACCESS_KEY_ID, AWS_PROFILE, the role of the machine). Without it tasks are processes of this machine.",
  },
} satisfies SettingGroup;
