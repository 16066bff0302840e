import { z } from "zod";

import { defineJob } from "#platform/jobs/define-job.ts";

export const reportingJobs = [
  defineJob("run", z.object({ runId: z.string() })),
  defineJob("schedule", z.object({ scheduleId: z.string(), atMs: z.number() })),
];
export type ReportingJob = (typeof reportingJobs)[number];
