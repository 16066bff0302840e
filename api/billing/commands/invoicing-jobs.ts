import { z } from "zod";

import type { Kit } from "#api/kit/service.ts";
import type { JobHandlers } from "#platform/jobs/jobs.ts";

import { renewSubscription } from "./renew-subscription.ts";

const Renewal = z.object({ subscriptionId: z.string(), period: z.number() });

export function invoicingJobs(kit: Kit): JobHandlers {
  return {
    "renew-subscription": ({ payload, nowMs }) =>
      kit.database.transaction((tx) =>
        renewSubscription({ kit, tx, nowMs }, Renewal.parse(payload)),
      ),
  };
}
