import { z } from "zod";

import type { SettingGroup } from "./settings.ts";

export const logSettings = {
  logLevel: {
    variable: "QUARTERDECK_LOG_LEVEL",
    schema: z.enum(["debug", "info", "warn", "error"], {
      error: "choose debug, info, warn or error",
    }),
    default: "info",
    description: "Minimum level of Quarterdeck's own log, logs/quarterdeck.log in the data folder.",
  },
} satisfies SettingGroup;
