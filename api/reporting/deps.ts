import type { Kit } from "#api/kit/service.ts";

import type { LakeDuck } from "./repositories/lake-duck.ts";
import type { Warehouse } from "./warehouse/port.ts";

/** What routes and jobs of Reporting work with. */
export type ReportingDeps = Pick<
  Kit,
  "database" | "clock" | "log" | "jobs" | "publish" | "hashUser"
> & {
  duck: LakeDuck;
  warehouse: Warehouse;
};
