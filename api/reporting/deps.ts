import type { ReportingKit } from "./kit.ts";
import type { LakeDuck } from "./repositories/lake-duck.ts";
import type { Warehouse } from "./warehouse/port.ts";

/** Dependencies of the routes and jobs of Reporting. */
export type ReportingDeps = Pick<
  ReportingKit,
  "database" | "clock" | "log" | "jobs" | "publish" | "hashUser"
> & {
  duck: LakeDuck;
  warehouse: Warehouse;
};
