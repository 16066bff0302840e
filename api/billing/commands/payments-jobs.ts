import { z } from "zod";

import type { Kit } from "#api/kit/service.ts";
import type { JobHandlers, JobRun } from "#platform/jobs/jobs.ts";

import { type Gateways, gatewayOf } from "../gateway/gateways.ts";
import type { Gateway } from "../gateway/port.ts";
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

type Deps = { kit: Kit; gateways: Gateways };
const OfPayment = z.object({ paymentId: z.string() });
const OfRefund = z.object({ refundId: z.string() });
const OfDispute = z.object({ disputeId: z.string() });
const OfInvoice = z.object({ invoiceId: z.string() });
const OfRetry = OfInvoice.extend({ startedMs: z.number(), retry: z.number() });

/**
 * What payments promise to do later. A gateway is called outside any transaction, with an id of ours as the key; what it
 * says is recorded after. Whoever dies in between calls again with the same key, and hears the same.
 */
export function paymentsJobs(deps: Deps): JobHandlers {
  const { kit } = deps;
  const inTransaction = <T>(
    run: JobRun,
    work: (context: CommandContext) => Promise<T>,
  ): Promise<T> => kit.database.transaction((tx) => work({ kit, tx, nowMs: run.nowMs }));
  return {
    "collect-invoice": (run) =>
      inTransaction(run, (context) =>
        collectNewInvoice(context, OfInvoice.parse(run.payload).invoiceId),
      ),
    "invoice-due": (run) =>
      inTransaction(run, (context) =>
        collectDueInvoice(context, OfInvoice.parse(run.payload).invoiceId),
      ),
    "invoice-settled": (run) =>
      inTransaction(run, (context) =>
        closeDunningIfSettled(context, OfInvoice.parse(run.payload).invoiceId),
      ),
    "dunning.retry": (run) =>
      inTransaction(run, (context) => retryCollection(context, OfRetry.parse(run.payload))),
    "payment.charge": (run) => charge(deps, inTransaction, run),
    "payment.confirm": (run) => confirm(deps, inTransaction, run),
    "payment.expire": (run) => expire(deps, inTransaction, run),
    "refund.send": (run) => refund(deps, inTransaction, run),
    "dispute.deadline": (run) =>
      inTransaction(run, (context) =>
        expireDispute(context, OfDispute.parse(run.payload).disputeId),
      ),
    "dispute.evidence": (run) => sendEvidence(deps, run),
    "dispute.accept": (run) => sendAccept(deps, run),
  };
}

type InTransaction = <T>(run: JobRun, work: (context: CommandContext) => Promise<T>) => Promise<T>;

async function gatewayFor({ kit, gateways }: Deps, payment: Payment) {
  const method = await readMethodOfPayment(kit.database, payment.paymentMethodId);
  return { gateway: gatewayOf(gateways, method.gateway), method };
}

// oxlint-disable-next-line max-params
async function charge(deps: Deps, inTransaction: InTransaction, run: JobRun): Promise<void> {
  const { paymentId } = OfPayment.parse(run.payload);
  const payment = await inTransaction(run, (context) =>
    applyPaymentEvent(context, paymentId, { type: "started" }),
  );
  // Whoever went further before us has the answer.
  if (payment?.state.status !== "processing" || payment.state.chargeId !== undefined) return;
  const { gateway, method } = await gatewayFor(deps, payment);
  const { id: key, amount, currency } = payment;
  const { token } = method;
  const outcome = await gateway.charge({ key, token, amount, currency, reference: key });
  await inTransaction(run, (context) =>
    applyPaymentEvent(context, paymentId, paymentEventOf(outcome)),
  );
}

async function confirm(deps: Deps, inTransaction: InTransaction, run: JobRun): Promise<void> {
  const { paymentId } = OfPayment.parse(run.payload);
  const payment = await readPayment(deps.kit.database, paymentId);
  if (payment.state.status !== "processing" || payment.state.chargeId === undefined) return;
  const { gateway } = await gatewayFor(deps, payment);
  const { chargeId } = payment.state;
  const outcome = await gateway.confirm({ key: `${paymentId}/confirm`, chargeId });
  await inTransaction(run, (context) =>
    applyPaymentEvent(context, paymentId, paymentEventOf(outcome)),
  );
}

async function expire(deps: Deps, inTransaction: InTransaction, run: JobRun): Promise<void> {
  const { paymentId } = OfPayment.parse(run.payload);
  const payment = await readPayment(deps.kit.database, paymentId);
  if (payment.state.status !== "requires_action") return;
  const { gateway } = await gatewayFor(deps, payment);
  const { chargeId } = payment.state;
  const outcome = await gateway.cancel({ key: `${paymentId}/cancel`, chargeId });
  await inTransaction(run, (context) =>
    applyPaymentEvent(context, paymentId, paymentEventOf(outcome)),
  );
}

async function refund(deps: Deps, inTransaction: InTransaction, run: JobRun): Promise<void> {
  const { refundId } = OfRefund.parse(run.payload);
  const { status, paymentId, amount, currency } = await readRefund(deps.kit.database, refundId);
  const payment = await readPayment(deps.kit.database, paymentId);
  if (status !== "pending" || !("chargeId" in payment.state)) return;
  const { gateway } = await gatewayFor(deps, payment);
  const chargeId = payment.state.chargeId ?? "";
  const asked = { key: refundId, chargeId, amount, currency, reference: refundId };
  const outcome = await gateway.refund(asked);
  if (outcome.status === "pending") return;
  await inTransaction(run, (context) => applyRefundOutcome(context, refundId, outcome));
}

type Found = { gateway: Gateway; disputeId: string; evidence: Readonly<Record<string, string>> };

async function disputeFor({ kit, gateways }: Deps, run: JobRun): Promise<Found | undefined> {
  const { disputeId: id } = OfDispute.parse(run.payload);
  const dispute = await findDispute(kit.database, { id });
  if (!dispute) return undefined;
  const gateway = gatewayOf(gateways, dispute.gateway);
  return { gateway, disputeId: dispute.gatewayDisputeId, evidence: dispute.evidence ?? {} };
}

async function sendEvidence(deps: Deps, run: JobRun): Promise<void> {
  const found = await disputeFor(deps, run);
  if (!found) return;
  const { gateway, disputeId, evidence } = found;
  const text = Object.entries(evidence)
    .map(([name, words]) => `${name}: ${words}`)
    .join("\n");
  await gateway.submitEvidence({ key: `${disputeId}/evidence`, disputeId, text });
}

async function sendAccept(deps: Deps, run: JobRun): Promise<void> {
  const found = await disputeFor(deps, run);
  if (!found) return;
  const { gateway, disputeId } = found;
  await gateway.acceptDispute({ key: `${disputeId}/accept`, disputeId });
}
