import { creditNotesSql, invoicesSql, numberingSql, proratedSql } from "./tables-invoices.ts";
import { ledgerRefSql, ledgerSql } from "./tables-ledger.ts";
import { oncePerAccountSql } from "./tables-once-per-account.ts";
import { catalogSql, customersSql, subscriptionsSql } from "./tables-subscriptions.ts";

/** Steps of the books; only ever added at the end. */
export const invoicingMigrations = [
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
];
