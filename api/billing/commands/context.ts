import type { DeclaredEvent } from "#platform/events/define-event.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import type { BillingEvent } from "../events.ts";
import type { BillingKit } from "../kit.ts";

/** A command runs in one transaction at one time; a job has no trace. */
export type CommandContext = {
  kit: BillingKit;
  tx: Queryable;
  nowMs: number;
  traceId?: string | undefined;
};

export const publish = <Type extends BillingEvent["type"]>(
  { kit, tx, nowMs, traceId }: CommandContext,
  event: Omit<DeclaredEvent<BillingEvent, Type>, "atMs" | "traceId">,
): Promise<void> => kit.publish<Type>(tx, { ...event, atMs: nowMs, traceId });
