import type { Service } from "#api/kit/service.ts";

import { invoicingJobs } from "./commands/invoicing-jobs.ts";
import { paymentsJobs } from "./commands/payments-jobs.ts";
import { openGateways } from "./gateway/gateways.ts";
import { sandboxJobs } from "./gateway/sandbox-bank.ts";
import { migrations } from "./repositories/migrations.ts";
import { billingPermissions, billingRoutes } from "./routes/billing-routes.ts";

export const billing: Service = {
  name: "billing",
  title: "Billing",
  description:
    "Customers, plans and prices, subscriptions with proration, coupons, invoices with gapless numbers, credit notes, payments through a gateway, refunds, chargebacks, and a double-entry ledger. Amounts are whole numbers of the currency's minor unit (1234 is 12.34 EUR and 1234 JPY).",
  permissions: billingPermissions,
  migrations,
  open(kit) {
    const gateways = openGateways(kit);
    return Promise.resolve({
      routes: billingRoutes(kit, gateways),
      jobs: { ...invoicingJobs(kit), ...paymentsJobs({ kit, gateways }), ...sandboxJobs(kit) },
      patient: true,
    });
  },
};
