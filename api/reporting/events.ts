import { z } from "zod";

import { defineEvents } from "#platform/events/define-event.ts";

const Run = z.strictObject({
  runId: z.string(),
  report: z.string(),
  scheduleId: z.string().nullable(),
});
const Schedule = z.strictObject({ scheduleId: z.string(), report: z.string(), name: z.string() });

export const reportingEvents = [
  ...defineEvents("run", ["succeeded", "failed"], Run),
  ...defineEvents("schedule", ["created", "changed", "deleted"], Schedule),
];
export type ReportingEvent = (typeof reportingEvents)[number];
