import type { Route } from "#platform/http/route.ts";

import type { Gateways } from "../gateway/gateways.ts";
import type { BillingKit } from "../kit.ts";
import { couponRoutes } from "./coupons.ts";
import { creditNoteRoutes } from "./credit-notes.ts";
import { customerRoutes } from "./customers.ts";
import { DISPUTES_READ, DISPUTES_WRITE, disputeRoutes } from "./disputes.ts";
import { DUNNING_READ, DUNNING_WRITE, dunningRoutes } from "./dunning.ts";
import { invoiceActionRoutes } from "./invoice-actions.ts";
import { invoiceRoutes } from "./invoices.ts";
import { ledgerRoutes } from "./ledger.ts";
import { METHODS_READ, METHODS_WRITE, paymentMethodRoutes } from "./payment-methods.ts";
import { PAYMENTS_READ, PAYMENTS_WRITE, paymentRoutes } from "./payments.ts";
import { planRoutes } from "./plans.ts";
import { priceRoutes } from "./prices.ts";
import { REFUNDS_READ, REFUNDS_WRITE, refundRoutes } from "./refunds.ts";
import { SANDBOX_WRITE, sandboxRoutes } from "./sandbox.ts";
import { subscriptionRoutes } from "./subscriptions.ts";
import { taxRateRoutes } from "./tax-rates.ts";
import { webhookRoutes } from "./webhooks.ts";

export const billingPermissions = {
  "billing:customers:read": "read all customers",
  "billing:customers:write": "create and update all customers",
  "billing:catalog:write": "create, update and archive plans, prices and tax rates",
  "billing:coupons:read": "read coupons",
  "billing:coupons:write": "create and update coupons",
  "billing:subscriptions:read": "read all subscriptions",
  "billing:subscriptions:write": "start, change and cancel all subscriptions",
  "billing:invoices:read": "read all invoices and credit notes",
  "billing:invoices:write": "create, finalise, void and write off invoices",
  "billing:credit-notes:write": "issue credit notes",
  "billing:ledger:read": "read the ledger",
  [METHODS_READ]: "read all payment methods",
  [METHODS_WRITE]: "add and remove all payment methods",
  [PAYMENTS_READ]: "read all payments",
  [PAYMENTS_WRITE]: "pay all invoices",
  [REFUNDS_READ]: "read refunds",
  [REFUNDS_WRITE]: "refund payments",
  [DISPUTES_READ]: "read disputes",
  [DISPUTES_WRITE]: "contest and accept disputes",
  [DUNNING_READ]: "read dunning and its policy",
  [DUNNING_WRITE]: "change the dunning policy",
  [SANDBOX_WRITE]: "act as the bank of the sandbox gateway",
} as const;

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
