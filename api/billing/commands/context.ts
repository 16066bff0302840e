import type { Kit } from "#api/kit/service.ts";
import type { Queryable } from "#platform/postgres/database.ts";

/** A command runs in one transaction at one time; a job has no trace. */
export type CommandContext = {
  kit: Kit;
  tx: Queryable;
  nowMs: number;
  traceId?: string | undefined;
};

export const publish = (
  { kit, tx, nowMs, traceId }: CommandContext,
  event: { type: string; subject: string; data: Readonly<Record<string, unknown>> },
): Promise<void> =>
  kit.publish(tx, { ...event, atMs: nowMs, ...(traceId === undefined ? {} : { traceId }) });
