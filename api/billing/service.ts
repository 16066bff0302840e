import type { Service } from "#api/kit/service.ts";

import { invoicingJobs } from "./commands/invoicing-jobs.ts";
import type { BillingDeps } from "./deps.ts";
import { invoicingMigrations } from "./repositories/migrations-invoicing.ts";
import { paymentsMigrations } from "./repositories/migrations-payments.ts";
import { invoicingRoutes } from "./routes/invoicing.ts";
import { moneyPermissions, openMoney } from "./routes/payment-area.ts";

export const billing: Service = {
  name: "billing",
  title: "Billing",
  description:
    "Customers, plans and prices, subscriptions with proration, coupons, invoices with gapless numbers, credit notes, payments through a gateway, refunds, chargebacks, and a double-entry ledger. Amounts are whole numbers of the currency's minor unit (1234 is 12.34 EUR and 1234 JPY).",
  permissions: {
    "billing:customers:read": "read every customer",
    "billing:customers:write": "add and change every customer",
    "billing:catalog:write": "add, change and archive plans, prices and tax rates",
    "billing:coupons:read": "read coupons",
    "billing:coupons:write": "add and change coupons",
    "billing:subscriptions:read": "read every subscription",
    "billing:subscriptions:write": "start, change and cancel every subscription",
    "billing:invoices:read": "read every invoice and credit note",
    "billing:invoices:write": "write, finalise and void invoices",
    "billing:credit-notes:write": "issue credit notes",
    "billing:ledger:read": "read the ledger",
    "billing:events:read": "read the events of Billing",
    ...moneyPermissions,
  },
  migrations: [...invoicingMigrations, ...paymentsMigrations],
  open: (kit) => {
    const deps: BillingDeps = { kit };
    const { routes, jobs } = openMoney(deps);
    return Promise.resolve({
      routes: [...invoicingRoutes(deps), ...routes],
      jobs: { ...invoicingJobs(deps), ...jobs },
      patient: true,
    });
  },
};
