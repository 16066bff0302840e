import { z } from "zod";

import { defineJob } from "#platform/jobs/define-job.ts";

export const managementJobs = [defineJob("announce", z.object({ application: z.string() }))];
export type ManagementJob = (typeof managementJobs)[number];
