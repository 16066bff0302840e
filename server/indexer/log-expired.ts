import type { Expired } from "#pipeline/store/port.ts";
import type { Log } from "#platform/log.ts";

/** Records what the retention of datasets has deleted. */
export function logExpired(log: Log, expired: readonly Expired[]): void {
  for (const { dataset, rows, fromMs, toMs, days } of expired) {
    log.info(`expired events were deleted: the retention of ${dataset} is ${days} days`, {
      "event.action": "retention",
      "data_stream.dataset": dataset,
      rows,
      from: new Date(fromMs).toISOString(),
      to: new Date(toMs).toISOString(),
      retentionDays: days,
    });
  }
}
