import type { KitOf } from "#api/kit/service.ts";

import type { LoggingEvent } from "./events.ts";
import type { LoggingJob } from "./jobs.ts";

export type LoggingKit = KitOf<LoggingJob, LoggingEvent>;
