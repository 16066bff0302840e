import { creditNotesSql, invoicesSql, numberingSql, proratedSql } from "./tables-invoices.ts";
import { ledgerRefSql, ledgerSql } from "./tables-ledger.ts";
import { oncePerAccountSql } from "./tables-once-per-account.ts";
import {
  disputeCreditSql,
  disputesSql,
  dunningSql,
  paymentMethodsSql,
  paymentsSql,
  refundsSql,
  sandboxSql,
  webhooksSql,
} from "./tables-payments.ts";
import { catalogSql, customersSql, subscriptionsSql } from "./tables-subscriptions.ts";

/** Applied in this order. */
export const migrations = [
  { id: "books-0001-customers", sql: customersSql },
  { id: "books-0002-catalog", sql: catalogSql },
  { id: "books-0003-numbering", sql: numberingSql },
  { id: "books-0004-subscriptions", sql: subscriptionsSql },
  { id: "books-0005-invoices", sql: invoicesSql },
  { id: "books-0006-credit-notes", sql: creditNotesSql },
  { id: "books-0007-ledger", sql: ledgerSql },
  { id: "books-0008-ledger-ref", sql: ledgerRefSql },
  { id: "books-0009-once-per-account", sql: oncePerAccountSql },
  { id: "books-0010-prorated", sql: proratedSql },
  { id: "payments-0001-methods", sql: paymentMethodsSql },
  { id: "payments-0002-payments", sql: paymentsSql },
  { id: "payments-0003-refunds", sql: refundsSql },
  { id: "payments-0004-disputes", sql: disputesSql },
  { id: "payments-0005-webhooks", sql: webhooksSql },
  { id: "payments-0006-dunning", sql: dunningSql },
  { id: "payments-0007-sandbox", sql: sandboxSql },
  { id: "payments-0008-dispute-credit", sql: disputeCreditSql },
];
