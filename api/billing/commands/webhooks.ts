import type { GatewayEvent } from "../gateway/events.ts";
import { lockPayment, savePayment } from "../repositories/payments.ts";
import { rememberEvent } from "../repositories/webhooks.ts";
import { closeDispute, openDispute } from "./disputes.ts";
import { type Doing, publish } from "./doing.ts";
import { hearOfPayment } from "./payments-heard.ts";
import { hearOfRefund } from "./refunds.ts";

export type Received = "applied" | "known_already" | "not_ours";

/** Applies an event of a gateway, once. What it is about may not be ours: then it is only remembered. */
export async function receiveEvent(
  doing: Doing,
  gateway: string,
  event: GatewayEvent,
): Promise<Received> {
  const { id, type } = event;
  const fresh = await rememberEvent(doing.tx, { gateway, id, type, nowMs: doing.nowMs });
  if (!fresh) return "known_already";
  return (await apply(doing, gateway, event)) === undefined ? "not_ours" : "applied";
}

function apply(doing: Doing, gateway: string, event: GatewayEvent): Promise<unknown> {
  const { type, data } = event;
  switch (type) {
    case "charge.succeeded":
    case "charge.requires_action": {
      const { reference, id: chargeId } = data.charge;
      const heard = type === "charge.succeeded" ? "succeeded" : "authentication_asked";
      return hearOfPayment(doing, reference, { type: heard, chargeId });
    }
    case "charge.failed":
      return hearOfPayment(doing, data.charge.reference, { type: "failed", reason: data.reason });
    case "charge.reversed":
      return hearOfPayment(doing, data.charge.reference, { type: "reversed", reason: data.reason });
    case "charge.fraud_warning":
      return warnOfFraud(doing, data.charge.reference);
    case "refund.succeeded":
      return hearOfRefund(doing, data.refund.reference, { status: "succeeded" });
    case "refund.failed":
      return hearOfRefund(doing, data.refund.reference, { status: "failed", reason: data.reason });
    case "dispute.opened":
      return openDispute(doing, { gateway, dispute: data.dispute });
    case "dispute.closed":
      return closeDispute(doing, { gateway, dispute: data.dispute, outcome: data.outcome });
  }
}

/** The bank thinks that a charge was fraud: to refund it now is cheaper than the dispute that may follow. */
async function warnOfFraud(doing: Doing, paymentId: string): Promise<true | undefined> {
  const locked = await lockPayment(doing.tx, paymentId);
  if (locked === undefined) return undefined;
  const { payment } = locked;
  await savePayment(doing.tx, { ...payment, fraudWarned: true }, doing.nowMs);
  const { invoiceId, customerId } = payment;
  const data = { paymentId, invoiceId, customerId };
  await publish(doing, { type: "payment.fraud_warned", subject: paymentId, data });
  return true;
}
