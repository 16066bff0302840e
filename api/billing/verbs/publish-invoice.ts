import type { Kit } from "#api/kit/service.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import { toWire } from "../domain/money.ts";
import type { Invoice } from "../schema/invoices.ts";

type InvoiceEvent = {
  type: `invoice.${"finalized" | "paid" | "voided" | "uncollectible" | "reopened"}`;
  invoice: Invoice;
  nowMs: number;
  traceId?: string | undefined;
};

/** Events of invoices all have the same data. */
export async function publishInvoice(
  kit: Kit,
  tx: Queryable,
  { type, invoice, nowMs, traceId }: InvoiceEvent,
): Promise<void> {
  await kit.publish(tx, {
    type,
    subject: invoice.id,
    atMs: nowMs,
    ...(traceId === undefined ? {} : { traceId }),
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
}
