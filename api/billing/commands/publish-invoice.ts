import { toWire } from "../domain/money.ts";
import type { Invoice } from "../repositories/invoices.ts";
import { type CommandContext, publish } from "./context.ts";

type Happened = "finalized" | "paid" | "voided" | "uncollectible" | "reopened";

/** Events of invoices all have the same data. */
export const publishInvoice = (
  context: CommandContext,
  happened: Happened,
  invoice: Invoice,
): Promise<void> =>
  publish(context, {
    type: `invoice.${happened}`,
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

/** An invoice of a subscription is due no more, and no payment has said so: its dunning and subscription must know. */
export async function enqueueInvoiceSettled(
  { kit, tx }: CommandContext,
  invoice: Invoice,
): Promise<void> {
  if (invoice.subscriptionId === null) return;
  await kit.jobs.add(tx, { kind: "invoice-settled", payload: { invoiceId: invoice.id } });
}
