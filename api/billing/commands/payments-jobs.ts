import type { JobRun } from "#platform/jobs/define-job.ts";

import { type Gateways, gatewayOf } from "../gateway/gateways.ts";
import type { Gateway } from "../gateway/port.ts";
import type { BillingKit } from "../kit.ts";
import { findDispute } from "../repositories/disputes.ts";
import { readMethodOfPayment } from "../repositories/payment-methods.ts";
import { type Payment, readPayment } from "../repositories/payments.ts";
import { readRefund } from "../repositories/refunds.ts";
import { paymentEventOf, applyPaymentEvent } from "./apply-payment-event.ts";
import type { CommandContext } from "./context.ts";
import { expireDispute } from "./disputes.ts";
import {
  collectDueInvoice,
  collectNewInvoice,
  retryCollection,
  closeDunningIfSettled,
} from "./dunning.ts";
import { applyRefundOutcome } from "./refunds.ts";

type Deps = { kit: BillingKit; gateways: Gateways };
type PaymentRef = { paymentId: string };
type InvoiceRef = { invoiceId: string };
type DisputeRef = { disputeId: string };

/*
 * Jobs that call a gateway do so outside any transaction, with an id of ours as the idempotency key, and record its
 * response afterwards. If the process dies in between, the call is repeated with the same key and has the same response.
 */

const inTransaction = <T>(
  { kit }: Deps,
  { nowMs }: JobRun,
  work: (context: CommandContext) => Promise<T>,
): Promise<T> => kit.database.transaction((tx) => work({ kit, tx, nowMs }));

export const collectInvoice = (deps: Deps, { invoiceId }: InvoiceRef, run: JobRun): Promise<void> =>
  inTransaction(deps, run, (context) => collectNewInvoice(context, invoiceId));

export const invoiceDue = (deps: Deps, { invoiceId }: InvoiceRef, run: JobRun): Promise<void> =>
  inTransaction(deps, run, (context) => collectDueInvoice(context, invoiceId));

export const invoiceSettled = (deps: Deps, { invoiceId }: InvoiceRef, run: JobRun): Promise<void> =>
  inTransaction(deps, run, (context) => closeDunningIfSettled(context, invoiceId));

export const retryDunning = (
  deps: Deps,
  retry: Parameters<typeof retryCollection>[1],
  run: JobRun,
): Promise<void> => inTransaction(deps, run, (context) => retryCollection(context, retry));

export const disputeDeadline = (
  deps: Deps,
  { disputeId }: DisputeRef,
  run: JobRun,
): Promise<void> => inTransaction(deps, run, (context) => expireDispute(context, disputeId));

async function gatewayFor({ kit, gateways }: Deps, payment: Payment) {
  const method = await readMethodOfPayment(kit.database, payment.paymentMethodId);
  return { gateway: gatewayOf(gateways, method.gateway), method };
}

export async function charge(deps: Deps, { paymentId }: PaymentRef, run: JobRun): Promise<void> {
  const payment = await inTransaction(deps, run, (context) =>
    applyPaymentEvent(context, paymentId, { type: "started" }),
  );
  // Otherwise an earlier attempt has recorded a response.
  if (payment?.state.status !== "processing" || payment.state.chargeId !== undefined) return;
  const { gateway, method } = await gatewayFor(deps, payment);
  const { id: key, amount, currency } = payment;
  const { token } = method;
  const outcome = await gateway.charge({ key, token, amount, currency, reference: key });
  await inTransaction(deps, run, (context) =>
    applyPaymentEvent(context, paymentId, paymentEventOf(outcome)),
  );
}

export async function confirm(deps: Deps, { paymentId }: PaymentRef, run: JobRun): Promise<void> {
  const payment = await readPayment(deps.kit.database, paymentId);
  if (payment.state.status !== "processing" || payment.state.chargeId === undefined) return;
  const { gateway } = await gatewayFor(deps, payment);
  const { chargeId } = payment.state;
  const outcome = await gateway.confirm({ key: `${paymentId}/confirm`, chargeId });
  await inTransaction(deps, run, (context) =>
    applyPaymentEvent(context, paymentId, paymentEventOf(outcome)),
  );
}

export async function expire(deps: Deps, { paymentId }: PaymentRef, run: JobRun): Promise<void> {
  const payment = await readPayment(deps.kit.database, paymentId);
  if (payment.state.status !== "requires_action") return;
  const { gateway } = await gatewayFor(deps, payment);
  const { chargeId } = payment.state;
  const outcome = await gateway.cancel({ key: `${paymentId}/cancel`, chargeId });
  await inTransaction(deps, run, (context) =>
    applyPaymentEvent(context, paymentId, paymentEventOf(outcome)),
  );
}

export async function refund(
  deps: Deps,
  { refundId }: { refundId: string },
  run: JobRun,
): Promise<void> {
  const { status, paymentId, amount, currency } = await readRefund(deps.kit.database, refundId);
  const payment = await readPayment(deps.kit.database, paymentId);
  if (status !== "pending" || !("chargeId" in payment.state)) return;
  const { gateway } = await gatewayFor(deps, payment);
  const chargeId = payment.state.chargeId ?? "";
  const request = { key: refundId, chargeId, amount, currency, reference: refundId };
  const outcome = await gateway.refund(request);
  if (outcome.status === "pending") return;
  await inTransaction(deps, run, (context) => applyRefundOutcome(context, refundId, outcome));
}

type DisputeAtGateway = {
  gateway: Gateway;
  gatewayId: string;
  evidence: Readonly<Record<string, string>>;
};

async function findAtGateway(
  { kit, gateways }: Deps,
  id: string,
): Promise<DisputeAtGateway | undefined> {
  const dispute = await findDispute(kit.database, { id });
  if (!dispute) return undefined;
  const gateway = gatewayOf(gateways, dispute.gateway);
  return { gateway, gatewayId: dispute.gatewayDisputeId, evidence: dispute.evidence ?? {} };
}

export async function submitEvidence(deps: Deps, { disputeId: id }: DisputeRef): Promise<void> {
  const found = await findAtGateway(deps, id);
  if (!found) return;
  const { gateway, gatewayId: disputeId, evidence } = found;
  const text = Object.entries(evidence)
    .map(([name, content]) => `${name}: ${content}`)
    .join("\n");
  await gateway.submitEvidence({ key: `${disputeId}/evidence`, disputeId, text });
}

export async function acceptDispute(deps: Deps, { disputeId: id }: DisputeRef): Promise<void> {
  const found = await findAtGateway(deps, id);
  if (!found) return;
  const { gateway, gatewayId: disputeId } = found;
  await gateway.acceptDispute({ key: `${disputeId}/accept`, disputeId });
}
