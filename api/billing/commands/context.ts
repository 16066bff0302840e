import type { Kit } from "#api/kit/service.ts";
import type { Queryable } from "#platform/postgres/database.ts";

/** What a verb works with: one transaction, at one moment, for one request (or job, which has no trace). */
export type CommandContext = {
  kit: Kit;
  tx: Queryable;
  nowMs: number;
  traceId?: string | undefined;
};

/** Publishes what was done. */
export const publish = (
  { kit, tx, nowMs, traceId }: CommandContext,
  event: { type: string; subject: string; data: Readonly<Record<string, unknown>> },
): Promise<void> =>
  kit.publish(tx, { ...event, atMs: nowMs, ...(traceId === undefined ? {} : { traceId }) });
