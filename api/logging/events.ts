import { z } from "zod";

import { defineEvent } from "#platform/events/define-event.ts";

const Retention = z.strictObject({
  dataset: z.string(),
  days: z.int().nullable(),
  daysBefore: z.int().nullable(),
  by: z.string(),
  version: z.int(),
});

export const loggingEvents = [defineEvent("retention.changed", Retention)];
export type LoggingEvent = (typeof loggingEvents)[number];
