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

/** Steps of the payments; only ever added at the end. They follow those of the books. */
export const paymentsMigrations = [
  { id: "payments-0001-methods", sql: paymentMethodsSql },
  { id: "payments-0002-payments", sql: paymentsSql },
  { id: "payments-0003-refunds", sql: refundsSql },
  { id: "payments-0004-disputes", sql: disputesSql },
  { id: "payments-0005-webhooks", sql: webhooksSql },
  { id: "payments-0006-dunning", sql: dunningSql },
  { id: "payments-0007-sandbox", sql: sandboxSql },
  { id: "payments-0008-dispute-credit", sql: disputeCreditSql },
];
