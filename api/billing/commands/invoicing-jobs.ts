import { z } from "zod";

import type { JobHandlers } from "#platform/jobs/jobs.ts";

import type { BillingDeps } from "../deps.ts";
import { renewSubscription } from "./renew-subscription.ts";

const Renewal = z.object({ subscriptionId: z.string(), period: z.number() });

/** What the books promise to do later. */
export function invoicingJobs({ kit }: BillingDeps): JobHandlers {
  return {
    "renew-subscription": ({ payload, nowMs }) =>
      kit.database.transaction((tx) =>
        renewSubscription({ kit, tx, nowMs }, Renewal.parse(payload)),
      ),
  };
}
