import path from "node:path";

import { z } from "zod";

import type { SettingGroup } from "./settings.ts";

export const dataFolderSettings = {
  /** Absolute path. */
  dataFolder: {
    variable: "QUARTERDECK_DATA",
    schema: z
      .string()
      .min(1, { error: "give the path of a folder" })
      .transform((folder) => path.resolve(folder)),
    default: "./data",
    description: "Folder for all data of Quarterdeck: events, PostgreSQL, its own logs.",
  },
} satisfies SettingGroup;
