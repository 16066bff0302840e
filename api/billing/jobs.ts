import { z } from "zod";

import { defineJob } from "#platform/jobs/define-job.ts";

/** Payments depend on these jobs: none is ever given up. */
const NEVER_GIVE_UP = { attemptsMax: "unlimited" } as const;

const Payment = z.object({ paymentId: z.string() });
const Invoice = z.object({ invoiceId: z.string() });
const Dispute = z.object({ disputeId: z.string() });
const SandboxAction = z.object({
  what: z.enum([
    "answer",
    "reversal",
    "dispute",
    "fraud_warning",
    "refund",
    "deadline",
    "decision",
  ]),
  id: z.string(),
});
export type SandboxAction = z.infer<typeof SandboxAction>;

export const billingJobs = [
  defineJob(
    "renew-subscription",
    z.object({ subscriptionId: z.string(), period: z.number() }),
    NEVER_GIVE_UP,
  ),
  defineJob("collect-invoice", Invoice, NEVER_GIVE_UP),
  defineJob("invoice-due", Invoice, NEVER_GIVE_UP),
  defineJob("invoice-settled", Invoice, NEVER_GIVE_UP),
  defineJob(
    "dunning.retry",
    Invoice.extend({ startedMs: z.number(), retry: z.number() }),
    NEVER_GIVE_UP,
  ),
  defineJob("payment.charge", Payment, NEVER_GIVE_UP),
  defineJob("payment.confirm", Payment, NEVER_GIVE_UP),
  defineJob("payment.expire", Payment, NEVER_GIVE_UP),
  defineJob("refund.send", z.object({ refundId: z.string() }), NEVER_GIVE_UP),
  defineJob("dispute.deadline", Dispute, NEVER_GIVE_UP),
  defineJob("dispute.evidence", Dispute, NEVER_GIVE_UP),
  defineJob("dispute.accept", Dispute, NEVER_GIVE_UP),
  defineJob("sandbox.later", SandboxAction, NEVER_GIVE_UP),
  defineJob("sandbox.deliver", z.object({ eventId: z.string() }), NEVER_GIVE_UP),
];
export type BillingJob = (typeof billingJobs)[number];
