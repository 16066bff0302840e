import type { Route } from "#platform/http/route.ts";

import type { Gateways } from "../gateway/gateways.ts";
import type { BillingKit } from "../kit.ts";
import { couponRoutes } from "./coupons.ts";
import { creditNoteRoutes } from "./credit-notes.ts";
import { customerRoutes } from "./customers.ts";
import { disputeRoutes } from "./disputes.ts";
import { dunningRoutes } from "./dunning.ts";
import { invoiceActionRoutes } from "./invoice-actions.ts";
import { invoiceRoutes } from "./invoices.ts";
import { ledgerRoutes } from "./ledger.ts";
import { paymentMethodRoutes } from "./payment-methods.ts";
import { paymentRoutes } from "./payments.ts";
import { planRoutes } from "./plans.ts";
import { priceRoutes } from "./prices.ts";
import { refundRoutes } from "./refunds.ts";
import { sandboxRoutes } from "./sandbox.ts";
import { subscriptionRoutes } from "./subscriptions.ts";
import { taxRateRoutes } from "./tax-rates.ts";
import { webhookRoutes } from "./webhooks.ts";

export const billingRoutes = (kit: BillingKit, gateways: Gateways): Route[] => [
  ...customerRoutes,
  ...planRoutes,
  ...priceRoutes,
  ...taxRateRoutes,
  ...couponRoutes,
  ...subscriptionRoutes(kit),
  ...invoiceRoutes(kit),
  ...invoiceActionRoutes(kit),
  ...creditNoteRoutes(kit),
  ...ledgerRoutes,
  ...paymentMethodRoutes(gateways),
  ...paymentRoutes(kit),
  ...refundRoutes(kit),
  ...disputeRoutes(kit),
  ...dunningRoutes,
  ...webhookRoutes(kit, gateways),
  ...sandboxRoutes(kit),
];
