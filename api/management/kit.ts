import type { KitOf } from "#api/kit/service.ts";

import type { ManagementEvent } from "./events.ts";
import type { ManagementJob } from "./jobs.ts";

export type ManagementKit = KitOf<ManagementJob, ManagementEvent>;
