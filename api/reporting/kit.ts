import type { KitOf } from "#api/kit/service.ts";

import type { ReportingEvent } from "./events.ts";
import type { ReportingJob } from "./jobs.ts";

export type ReportingKit = KitOf<ReportingJob, ReportingEvent>;
