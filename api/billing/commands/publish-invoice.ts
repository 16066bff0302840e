import { toWire } from "../domain/money.ts";
import type { Invoice } from "../repositories/invoices.ts";
import { type CommandContext, publish } from "./context.ts";

type InvoiceEvent = "finalized" | "paid" | "voided" | "uncollectible" | "reopened";

export const publishInvoice = (
  context: CommandContext,
  event: InvoiceEvent,
  invoice: Invoice,
): Promise<void> =>
  publish(context, {
    type: `invoice.${event}`,
    subject: invoice.id,
    data: {
      invoiceId: invoice.id,
      number: invoice.number,
      customerId: invoice.customerId,
      subscriptionId: invoice.subscriptionId,
      currency: invoice.currency,
      subtotal: toWire(invoice.subtotal),
      discount: toWire(invoice.discount),
      tax: toWire(invoice.tax),
      total: toWire(invoice.total),
      amountDue: toWire(invoice.amountDue),
    },
  });

/** Ends the dunning of a subscription's invoice that was settled without a payment, and updates the subscription. */
export async function enqueueInvoiceSettled(
  { kit, tx }: CommandContext,
  invoice: Invoice,
): Promise<void> {
  if (invoice.subscriptionId === null) return;
  await kit.jobs.add(tx, { kind: "invoice-settled", payload: { invoiceId: invoice.id } });
}
