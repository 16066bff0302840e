import type { JobHandlers } from "#platform/jobs/define-job.ts";

import type { InvoicingJob } from "../jobs.ts";
import type { BillingKit } from "../kit.ts";
import { renewSubscription } from "./renew-subscription.ts";

export const invoicingHandlers = (kit: BillingKit): JobHandlers<InvoicingJob> => ({
  "renew-subscription": (renewal, { nowMs }) =>
    kit.database.transaction((tx) => renewSubscription({ kit, tx, nowMs }, renewal)),
});
