import type { Route } from "#platform/http/route.ts";

import type { BillingDeps } from "../deps.ts";
import { couponRoutes } from "./coupons.ts";
import { creditNoteRoutes } from "./credit-notes.ts";
import { customerRoutes } from "./customers.ts";
import { invoiceActionRoutes } from "./invoice-actions.ts";
import { invoiceRoutes } from "./invoices.ts";
import { ledgerRoutes } from "./ledger.ts";
import { planRoutes } from "./plans.ts";
import { priceRoutes } from "./prices.ts";
import { subscriptionRoutes } from "./subscriptions.ts";
import { taxRateRoutes } from "./tax-rates.ts";

/** Every route of the books. */
export const invoicingRoutes = (deps: BillingDeps): Route[] => [
  ...customerRoutes,
  ...planRoutes,
  ...priceRoutes,
  ...taxRateRoutes,
  ...couponRoutes,
  ...subscriptionRoutes(deps),
  ...invoiceRoutes(deps),
  ...invoiceActionRoutes(deps),
  ...creditNoteRoutes(deps),
  ...ledgerRoutes,
];
