import { defineService } from "#api/kit/service.ts";
import { bindHandlers } from "#platform/jobs/define-job.ts";

import { billingEvents } from "./events.ts";
import { openGateways } from "./gateway/gateways.ts";
import * as jobHandlers from "./job-handlers.ts";
import { billingJobs } from "./jobs.ts";
import { migrations } from "./repositories/migrations.ts";
import { billingRoutes } from "./routes/billing-routes.ts";
import { billingSecrets } from "./secrets.ts";

export const billing = defineService({
  name: "billing",
  title: "Billing",
  description:
    "Customers, plans and prices, subscriptions with proration, coupons, invoices with gapless numbers, credit notes, payments through a gateway, refunds, chargebacks, and a double-entry ledger. Amounts are whole numbers of the currency's minor unit (1234 is 12.34 EUR and 1234 JPY).",
  migrations,
  settings: {},
  secrets: billingSecrets,
  jobs: billingJobs,
  events: billingEvents,
  open(kit) {
    const gateways = openGateways(kit);
    return Promise.resolve({
      routes: billingRoutes(kit, gateways),
      jobs: bindHandlers(jobHandlers, { kit, gateways }),
    });
  },
});
