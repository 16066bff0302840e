import type { JobHandlers } from "#api/kit/jobs.ts";

import type { BillingDeps } from "../deps.ts";

/** What the books promise to do later. */
export function booksJobs(_deps: BillingDeps): JobHandlers {
  return {};
}
