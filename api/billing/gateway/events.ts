import { z } from "zod";

const LATEST_MS = Date.UTC(9999, 0);
const id = z.string().min(1).max(100);
const amount = z
  .string()
  .regex(/^\d{1,15}$/)
  .transform(BigInt);
const charge = z.object({ id, reference: id });
const refund = z.object({ id, reference: id });
const dispute = z.object({
  id,
  /** Id of the payment. */
  reference: id,
  chargeId: id,
  amount,
  fee: amount,
  currency: z.string().regex(/^[A-Z]{3}$/),
  reason: z.string().max(100),
  evidenceDueByMs: z.int().min(0).max(LATEST_MS),
});
const reason = z.string().max(100);
const event = <Type extends string, Data extends z.ZodType>(type: Type, data: Data) =>
  z.object({ id, atMs: z.int(), type: z.literal(type), data });

/** Each event contains all that is needed to apply it before earlier events arrive. */
export const GatewayEvent = z.discriminatedUnion("type", [
  event("charge.succeeded", z.object({ charge })),
  event("charge.requires_action", z.object({ charge })),
  event("charge.failed", z.object({ charge, reason })),
  event("charge.reversed", z.object({ charge, reason })),
  event("charge.fraud_warning", z.object({ charge })),
  event("refund.succeeded", z.object({ refund })),
  event("refund.failed", z.object({ refund, reason })),
  event("dispute.opened", z.object({ dispute })),
  event("dispute.closed", z.object({ dispute, outcome: z.enum(["won", "lost"]) })),
]);
export type GatewayEvent = z.infer<typeof GatewayEvent>;
export type GatewayDispute = z.infer<typeof dispute>;
