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

type Begin = { invoice: Invoice; method: PaymentMethod; automatic: boolean };

/** Records a payment of all that a locked invoice has due, and promises to charge it. */
export async function beginPayment(
  { kit, tx, nowMs, traceId }: CommandContext,
  { invoice, method, automatic }: Begin,
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
    createdMs: nowMs,
    traceId,
  });
  if (payment === undefined) throw underWay(invoice.id);
  await kit.jobs.add(tx, { kind: "payment.charge", payload: { paymentId: payment.id } });
  return payment;
}

/**
 * Begins to pay a locked invoice, with the customer's default method where none is named.
 * @throws AppError conflict when it is not to be paid or is being paid, unprocessable when there is nothing to pay with
 */
export async function payInvoice(
  context: CommandContext,
  { invoice, paymentMethodId }: { invoice: Invoice; paymentMethodId: string | undefined },
): Promise<Payment> {
  const owed = invoice.status === "open" || invoice.status === "uncollectible";
  if (!owed || invoice.amountDue === 0n) {
    throw new AppError(
      "conflict",
      `The invoice is ${invoice.status}: only one that is open can be paid.`,
    );
  }
  if (await hasOpenPayment(context.tx, invoice.id)) throw underWay(invoice.id);
  const method = await findMethodOf(context.tx, invoice.customerId, paymentMethodId);
  if (method === undefined) throw noMethodToPay(paymentMethodId);
  return beginPayment(context, { invoice, method, automatic: false });
}

/** Its owner was authenticated: promises to go on. @throws AppError not_found, conflict */
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
      `The payment is ${payment.state.status}: only one that requires_action is confirmed.`,
    );
  }
  const state = advance(payment.state, { type: "confirmed" });
  await kit.jobs.add(tx, { kind: "payment.confirm", payload: { paymentId: id } });
  return savePayment(tx, { ...payment, state }, nowMs);
}

const underWay = (invoiceId: string): AppError =>
  new AppError(
    "conflict",
    `A payment of ${invoiceId} is under way: see GET /v1/payments?invoiceId=${invoiceId}, and wait for its end.`,
  );

function noMethodToPay(id: string | undefined): AppError {
  const message =
    id === undefined
      ? "the customer has no default payment method: add one, or name one"
      : `the customer has no payment method ${id}`;
  return new AppError("unprocessable", `paymentMethodId: ${message}.`, {
    fields: [{ path: "body.paymentMethodId", code: "no_payment_method", message }],
  });
}
