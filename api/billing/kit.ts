import type { KitOf } from "#api/kit/service.ts";

import type { BillingEvent } from "./events.ts";
import type { BillingJob } from "./jobs.ts";

export type BillingKit = KitOf<BillingJob, BillingEvent>;
