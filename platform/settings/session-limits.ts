import { z } from "zod";

import type { SettingGroup } from "./settings.ts";

const HOUR_MS = 3_600_000;

const hoursAsMs = z.coerce
  .number({ error: "give a number of hours" })
  .min(0.1, { error: "give at least 0.1 hours" })
  .max(8_760, { error: "give at most 8760 hours (a year)" })
  .transform((hours) => hours * HOUR_MS);

/** Limits of sessions of the control plane and of Accounts. */
export const sessionSettings = {
  sessionIdleMs: {
    variable: "QUARTERDECK_SESSION_IDLE_HOURS",
    schema: hoursAsMs,
    default: "168",
    description: "Sessions end after this many hours without activity.",
  },
  sessionMaxMs: {
    variable: "QUARTERDECK_SESSION_MAX_HOURS",
    schema: hoursAsMs,
    default: "720",
    description: "Sessions end this many hours after signing in.",
  },
} satisfies SettingGroup;
