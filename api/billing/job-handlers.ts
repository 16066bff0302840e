/* The handler of each job of `jobs.ts`, exported under its kind. */
export {
  acceptDispute as "dispute.accept",
  charge as "payment.charge",
  collectInvoice as "collect-invoice",
  confirm as "payment.confirm",
  disputeDeadline as "dispute.deadline",
  expire as "payment.expire",
  invoiceDue as "invoice-due",
  invoiceSettled as "invoice-settled",
  refund as "refund.send",
  retryDunning as "dunning.retry",
  submitEvidence as "dispute.evidence",
} from "./commands/payments-jobs.ts";
export { renew as "renew-subscription" } from "./commands/renew-subscription.ts";
export {
  deliverEvent as "sandbox.deliver",
  performLater as "sandbox.later",
} from "./gateway/sandbox-bank.ts";
