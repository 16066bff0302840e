import type { Route } from "#api/kit/route.ts";

import type { BillingDeps } from "../deps.ts";

/** Every route of the books: customers, catalogue, coupons, subscriptions, invoices, credit notes, ledger. */
export function booksRoutes(_deps: BillingDeps): Route[] {
  return [];
}
