import { z } from "zod";

import { defineJob } from "#platform/jobs/define-job.ts";
import { definePeriodicTask } from "#platform/jobs/periodic-tasks.ts";

export const extractBilling = definePeriodicTask("extract billing", 30_000);
export const extractAccounts = definePeriodicTask("extract accounts", 30_000);
export const extractLogs = definePeriodicTask("extract logs", 60_000);
export const load = definePeriodicTask("load", 10_000);
export const tidy = definePeriodicTask("tidy", 600_000);

export const periodicTasks = [extractBilling, extractAccounts, extractLogs, load, tidy];
export type ReportingTask = (typeof periodicTasks)[number];

export const reportingJobs = [
  defineJob("run", z.object({ runId: z.string() })),
  defineJob("schedule", z.object({ scheduleId: z.string(), atMs: z.number() })),
  ...periodicTasks,
];
export type ReportingJob = (typeof reportingJobs)[number];
