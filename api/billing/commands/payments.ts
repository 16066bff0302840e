import { AppError } from "#platform/errors.ts";
import { newId } from "#platform/ids.ts";

import { advance } from "../domain/payments.ts";
import type { Invoice } from "../repositories/invoices.ts";
import { type PaymentMethod, findMethodOf } from "../repositories/payment-methods.ts";
import {
  type Payment,
  hasOpenPayment,
  insertPayment,
  lockPayment,
  noPayment,
  savePayment,
} from "../repositories/payments.ts";
import type { CommandContext } from "./context.ts";

/** Records a payment of the amount due of a locked invoice; a job charges it. */
export async function beginPayment(
  { kit, tx, nowMs, traceId }: CommandContext,
  { invoice, method, automatic }: { invoice: Invoice; method: PaymentMethod; automatic: boolean },
): Promise<Payment> {
  const payment = await insertPayment(tx, {
    id: newId("pay"),
    invoiceId: invoice.id,
    customerId: invoice.customerId,
    subscriptionId: invoice.subscriptionId,
    paymentMethodId: method.id,
    currency: invoice.currency,
    amount: invoice.amountDue,
    automatic,
    createdAtMs: nowMs,
    traceId,
  });
  if (payment === undefined) throw inProgress(invoice.id);
  await kit.jobs.add(tx, { kind: "payment.charge", payload: { paymentId: payment.id } });
  return payment;
}

/**
 * Starts a payment of a locked invoice, by default with the customer's default method.
 * @throws AppError conflict if it is not payable or a payment is in progress; unprocessable without a payment method
 */
export async function payInvoice(
  context: CommandContext,
  { invoice, paymentMethodId }: { invoice: Invoice; paymentMethodId: string | undefined },
): Promise<Payment> {
  const owed = invoice.status === "open" || invoice.status === "uncollectible";
  if (!owed || invoice.amountDue === 0n) {
    throw new AppError(
      "conflict",
      `The invoice is ${invoice.status}: only an open invoice can be paid.`,
    );
  }
  if (await hasOpenPayment(context.tx, invoice.id)) throw inProgress(invoice.id);
  const method = await findMethodOf(context.tx, invoice.customerId, paymentMethodId);
  if (method === undefined) throw noMethodToPay(paymentMethodId);
  return beginPayment(context, { invoice, method, automatic: false });
}

/** Continues a payment after authentication. @throws AppError not_found, conflict */
export async function confirmPayment(
  { kit, tx, nowMs }: CommandContext,
  id: string,
): Promise<Payment> {
  const locked = await lockPayment(tx, id);
  if (locked === undefined) throw noPayment(id);
  const { payment } = locked;
  if (payment.state.status !== "requires_action") {
    throw new AppError(
      "conflict",
      `The payment is ${payment.state.status}: only a payment that requires_action can be confirmed.`,
    );
  }
  const state = advance(payment.state, { type: "confirmed" });
  await kit.jobs.add(tx, { kind: "payment.confirm", payload: { paymentId: id } });
  return savePayment(tx, { ...payment, state }, nowMs);
}

const inProgress = (invoiceId: string): AppError =>
  new AppError(
    "conflict",
    `A payment of ${invoiceId} is in progress: wait until it ends, see GET /v1/payments?invoiceId=${invoiceId}.`,
  );

function noMethodToPay(id: string | undefined): AppError {
  const message =
    id === undefined
      ? "the customer has no default payment method: add one, or specify one"
      : `the customer has no payment method ${id}`;
  return new AppError("unprocessable", `paymentMethodId: ${message}.`, {
    fields: [{ path: "body.paymentMethodId", code: "no_payment_method", message }],
  });
}
