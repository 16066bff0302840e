import { z } from "zod";

import { defineJob } from "#platform/jobs/define-job.ts";

export const loggingJobs = [defineJob("apply-retention", z.object({}))];
export type LoggingJob = (typeof loggingJobs)[number];
