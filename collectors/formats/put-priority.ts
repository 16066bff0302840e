import type { Batch } from "../batch.ts";
import { facilityName, type Priority, severityOf } from "./syslog-priority.ts";

/** Writes a syslog priority into the open row. Its severity is the level of a line that states none. */
export function putPriority(batch: Batch, priority: Priority): void {
  const row = batch.rows;
  batch.number("log.syslog.facility.code").put(row, priority.facility);
  batch.number("log.syslog.severity.code").put(row, priority.severity);
  batch.text("log.syslog.facility.name").putText(row, facilityName(priority) ?? "");
  const { name = "", level = "" } = severityOf(priority) ?? {};
  batch.text("log.syslog.severity.name").putText(row, name);
  const levels = batch.text("log.level");
  if (levels.ids[row] === 0) levels.putText(row, level);
}
