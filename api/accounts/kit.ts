import type { KitOf } from "#api/kit/service.ts";

import type { AccountsEvent } from "./events.ts";
import type { AccountsJob } from "./jobs.ts";

export type AccountsKit = KitOf<AccountsJob, AccountsEvent>;
