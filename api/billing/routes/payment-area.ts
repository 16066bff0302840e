import type { Route } from "#platform/http/route.ts";
import type { JobHandlers } from "#platform/jobs/jobs.ts";

import { paymentsJobs } from "../commands/payments-jobs.ts";
import type { BillingDeps } from "../deps.ts";
import { openGateways } from "../gateway/gateways.ts";
import { sandboxJobs } from "../gateway/sandbox-bank.ts";
import { DISPUTES_READ, DISPUTES_WRITE, disputeRoutes } from "./disputes.ts";
import { DUNNING_READ, DUNNING_WRITE, dunningRoutes } from "./dunning.ts";
import { METHODS_READ, METHODS_WRITE, paymentMethodRoutes } from "./payment-methods.ts";
import { PAYMENTS_READ, PAYMENTS_WRITE, paymentRoutes } from "./payments.ts";
import { REFUNDS_READ, REFUNDS_WRITE, refundRoutes } from "./refunds.ts";
import { SANDBOX_WRITE, sandboxRoutes } from "./sandbox.ts";
import { webhookRoutes } from "./webhooks.ts";

export const moneyPermissions = {
  [METHODS_READ]: "read every payment method",
  [METHODS_WRITE]: "add and remove every payment method",
  [PAYMENTS_READ]: "read every payment",
  [PAYMENTS_WRITE]: "pay every invoice",
  [REFUNDS_READ]: "read refunds",
  [REFUNDS_WRITE]: "give money back",
  [DISPUTES_READ]: "read disputes",
  [DISPUTES_WRITE]: "contest and accept disputes",
  [DUNNING_READ]: "read how failed collections go on",
  [DUNNING_WRITE]: "change the dunning policy",
  [SANDBOX_WRITE]: "play the bank of the gateway sandbox",
} as const;

/** Everything that moves money: payment methods, payments, webhooks, refunds, disputes, dunning, the sandbox. */
export function openMoney({ kit }: BillingDeps): { routes: Route[]; jobs: JobHandlers } {
  const gateways = openGateways(kit);
  return {
    routes: [
      ...paymentMethodRoutes(gateways),
      ...paymentRoutes(kit),
      ...refundRoutes(kit),
      ...disputeRoutes(kit),
      ...dunningRoutes,
      ...webhookRoutes(kit, gateways),
      ...sandboxRoutes(kit),
    ],
    jobs: { ...paymentsJobs({ kit, gateways }), ...sandboxJobs(kit) },
  };
}
