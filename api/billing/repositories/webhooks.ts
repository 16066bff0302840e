import type { Queryable } from "#platform/postgres/database.ts";

/** @returns false if the event was recorded before; concurrent deliveries wait for each other here */
export async function recordWebhookEvent(
  tx: Queryable,
  event: { gateway: string; id: string; type: string; nowMs: number },
): Promise<boolean> {
  const rows = await tx.query(
    `INSERT INTO webhook_events (gateway, event_id, type, received_at) VALUES ($1, $2, $3, $4)
     ON CONFLICT DO NOTHING RETURNING event_id`,
    [event.gateway, event.id, event.type, new Date(event.nowMs)],
  );
  return rows.length > 0;
}
