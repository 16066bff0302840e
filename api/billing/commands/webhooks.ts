import type { GatewayEvent } from "../gateway/events.ts";
import { lockPayment, savePayment } from "../repositories/payments.ts";
import { recordWebhookEvent } from "../repositories/webhooks.ts";
import { applyPaymentEvent } from "./apply-payment-event.ts";
import { type CommandContext, publish } from "./context.ts";
import { closeDispute, openDispute } from "./disputes.ts";
import { applyRefundOutcome } from "./refunds.ts";

/** Applies an event of a gateway, once. An event about an unknown payment is only recorded. */
export async function handleWebhookEvent(
  context: CommandContext,
  gateway: string,
  event: GatewayEvent,
): Promise<"applied" | "known_already" | "not_ours"> {
  const { id, type } = event;
  const isNew = await recordWebhookEvent(context.tx, { gateway, id, type, nowMs: context.nowMs });
  if (!isNew) return "known_already";
  return (await apply(context, gateway, event)) === undefined ? "not_ours" : "applied";
}

function apply(context: CommandContext, gateway: string, event: GatewayEvent): Promise<unknown> {
  const { type, data } = event;
  switch (type) {
    case "charge.succeeded":
    case "charge.requires_action": {
      const { reference, id: chargeId } = data.charge;
      const eventType = type === "charge.succeeded" ? "succeeded" : "authentication_required";
      return applyPaymentEvent(context, reference, { type: eventType, chargeId });
    }
    case "charge.failed":
      return applyPaymentEvent(context, data.charge.reference, {
        type: "failed",
        reason: data.reason,
      });
    case "charge.reversed":
      return applyPaymentEvent(context, data.charge.reference, {
        type: "reversed",
        reason: data.reason,
      });
    case "charge.fraud_warning":
      return recordFraudWarning(context, data.charge.reference);
    case "refund.succeeded":
      return applyRefundOutcome(context, data.refund.reference, { status: "succeeded" });
    case "refund.failed":
      return applyRefundOutcome(context, data.refund.reference, {
        status: "failed",
        reason: data.reason,
      });
    case "dispute.opened":
      return openDispute(context, { gateway, dispute: data.dispute });
    case "dispute.closed":
      return closeDispute(context, { gateway, dispute: data.dispute, outcome: data.outcome });
  }
}

/** Marks a payment that the bank suspects of fraud, as refunding it is cheaper than a dispute. */
async function recordFraudWarning(
  context: CommandContext,
  paymentId: string,
): Promise<true | undefined> {
  const locked = await lockPayment(context.tx, paymentId);
  if (locked === undefined) return undefined;
  const { payment } = locked;
  await savePayment(context.tx, { ...payment, fraudWarned: true }, context.nowMs);
  const { invoiceId, customerId } = payment;
  const data = { paymentId, invoiceId, customerId };
  await publish(context, { type: "payment.fraud_warned", subject: paymentId, data });
  return true;
}
