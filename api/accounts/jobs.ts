import { z } from "zod";

import { defineJob } from "#platform/jobs/define-job.ts";

import { SECURITY_NOTICES } from "./domain/security-notice.ts";

export const accountsJobs = [
  // Contains no token: the link is created from the id when the mail is sent.
  defineJob("mail.link", z.object({ tokenId: z.string() })),
  defineJob(
    "mail.notice",
    z.object({
      id: z.string(),
      to: z.string().meta({ secret: true }),
      notice: z.enum(SECURITY_NOTICES),
    }),
  ),
];
export type AccountsJob = (typeof accountsJobs)[number];
