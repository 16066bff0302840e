import { nextDunningStep } from "../domain/dunning.ts";
import { toWire } from "../domain/money.ts";
import { type DunningRun, findRun, readPolicy, saveRun } from "../repositories/dunning.ts";
import { type Invoice, lockInvoice, readInvoice } from "../repositories/invoices.ts";
import { type PaymentMethod, findMethodOf } from "../repositories/payment-methods.ts";
import { hasOpenPayment } from "../repositories/payments.ts";
import { readSubscription } from "../repositories/subscriptions.ts";
import { type CommandContext, publish } from "./context.ts";
import { applyCustomerCredit } from "./issue-invoice.ts";
import { beginPayment } from "./payments.ts";
import { writeOffInvoice } from "./settle-invoice.ts";
import { applyDunningOutcome, markPastDue, recoverSubscription } from "./subscription-status.ts";

/** Starts a payment of what credit does not cover of an open invoice. */
async function collectInvoice(
  context: CommandContext,
  invoiceId: string,
): Promise<"started" | "nothing_due" | "no_method"> {
  const { tx } = context;
  const { customerId } = await lockInvoice(tx, invoiceId);
  await applyCustomerCredit(context, customerId);
  const invoice = await lockInvoice(tx, invoiceId);
  const due = invoice.status === "open" && invoice.amountDue > 0n;
  if (!due || (await hasOpenPayment(tx, invoiceId))) return "nothing_due";
  const method = await methodFor(context, invoice);
  if (method === undefined) return "no_method";
  await beginPayment(context, { invoice, method, automatic: true });
  return "started";
}

/** Collects a new invoice; a customer without a payment method has until the due date to pay it. */
export async function collectNewInvoice(context: CommandContext, invoiceId: string): Promise<void> {
  const { kit, tx, nowMs } = context;
  if ((await collectInvoice(context, invoiceId)) !== "no_method") return;
  const { dueAtMs } = await readInvoice(tx, invoiceId);
  const runAtMs = dueAtMs ?? nowMs;
  await kit.jobs.add(tx, { kind: "invoice-due", payload: { invoiceId }, runAtMs });
}

/** Collects on the due date an invoice that was left to the customer. */
export async function collectDueInvoice(context: CommandContext, invoiceId: string): Promise<void> {
  if ((await collectInvoice(context, invoiceId)) !== "no_method") return;
  await failCollection(context, await lockInvoice(context.tx, invoiceId));
}

/** A failed manual payment of a locked invoice counts for dunning only if the invoice is overdue or in dunning. */
export async function recordFailedPayment(
  context: CommandContext,
  invoice: Invoice,
  { automatic }: { automatic: boolean },
): Promise<void> {
  const overdue = invoice.dueAtMs !== null && invoice.dueAtMs <= context.nowMs;
  const counts =
    automatic || overdue || (await findRun(context.tx, invoice.id))?.status === "active";
  if (counts) await failCollection(context, invoice);
}

async function methodFor(
  { tx }: CommandContext,
  { customerId, subscriptionId }: Invoice,
): Promise<PaymentMethod | undefined> {
  const own =
    subscriptionId === null ? null : (await readSubscription(tx, subscriptionId)).paymentMethodId;
  const chosen = own === null ? undefined : await findMethodOf(tx, customerId, own);
  return chosen ?? findMethodOf(tx, customerId, undefined);
}

/**
 * Starts or continues the dunning of a subscription's locked invoice after a failed collection: schedules the next
 * retry, or applies the policy's outcome. An invoice that was paid and reopened starts anew.
 */
export async function failCollection(context: CommandContext, invoice: Invoice): Promise<void> {
  const { kit, tx, nowMs } = context;
  const { id: invoiceId, subscriptionId, customerId } = invoice;
  if (subscriptionId === null || invoice.status !== "open") return;
  const before = await findRun(tx, invoiceId);
  if (before?.status === "exhausted") return;
  const run: DunningRun =
    before?.status === "active"
      ? before
      : { invoiceId, subscriptionId, customerId, ...newRun(nowMs) };
  if (run !== before) {
    await markPastDue(context, subscriptionId);
    await publishDunning(context, "started", { run, invoice });
  }
  const step = nextDunningStep(await readPolicy(tx), {
    startedAtMs: run.startedAtMs,
    retries: run.retries,
    nowMs,
  });
  if (step.kind === "give_up") {
    await exhaustDunning(context, { run, invoice, outcome: step.outcome });
    return;
  }
  await saveRun(tx, { ...run, nextAtMs: step.atMs }, nowMs);
  const payload = { invoiceId, startedMs: run.startedAtMs, retry: run.retries + 1 };
  await kit.jobs.add(tx, { kind: "dunning.retry", payload, runAtMs: step.atMs });
}

const newRun = (nowMs: number) => ({
  status: "active" as const,
  startedAtMs: nowMs,
  retries: 0,
  nextAtMs: null,
});

async function exhaustDunning(
  context: CommandContext,
  { run, invoice, outcome }: { run: DunningRun; invoice: Invoice; outcome: "cancel" | "unpaid" },
): Promise<void> {
  const ended: DunningRun = { ...run, status: "exhausted", nextAtMs: null };
  await saveRun(context.tx, ended, context.nowMs);
  await publishDunning(context, "exhausted", { run: ended, invoice });
  const status = outcome === "cancel" ? "canceled" : "unpaid";
  await applyDunningOutcome(context, run.subscriptionId, status);
  // An unpaid subscription keeps its claim, as paying it resumes the subscription.
  if (outcome === "cancel") await writeOffInvoice(context, invoice.id);
}

/** Retries a collection unless this retry was made before or nothing is due any more. */
export async function retryCollection(
  context: CommandContext,
  { invoiceId, startedMs, retry }: { invoiceId: string; startedMs: number; retry: number },
): Promise<void> {
  const { tx, nowMs } = context;
  const invoice = await lockInvoice(tx, invoiceId);
  const run = await findRun(tx, invoiceId);
  if (run?.status !== "active" || run.startedAtMs !== startedMs || run.retries !== retry - 1)
    return;
  const retried: DunningRun = { ...run, retries: retry, nextAtMs: null };
  if (invoice.status !== "open") return endDunning(context, invoice);
  await saveRun(tx, retried, nowMs);
  await publishDunning(context, "retried", { run: retried, invoice });
  if ((await collectInvoice(context, invoiceId)) === "no_method")
    await failCollection(context, invoice);
}

/** Ends the dunning of an invoice that credit, a credit note, a void or a write-off has settled. */
export async function closeDunningIfSettled(
  context: CommandContext,
  invoiceId: string,
): Promise<void> {
  const invoice = await lockInvoice(context.tx, invoiceId);
  if (invoice.status !== "open") await endDunning(context, invoice);
}

/** Ends the dunning of a locked invoice that is no longer due, and recovers its subscription. */
export async function endDunning(context: CommandContext, invoice: Invoice): Promise<void> {
  const run = await findRun(context.tx, invoice.id);
  if (run?.status === "active") {
    const status = invoice.status === "uncollectible" ? "exhausted" : "recovered";
    const ended: DunningRun = { ...run, status, nextAtMs: null };
    await saveRun(context.tx, ended, context.nowMs);
    await publishDunning(context, status, { run: ended, invoice });
  }
  if (invoice.subscriptionId !== null) await recoverSubscription(context, invoice.subscriptionId);
}

function publishDunning(
  context: CommandContext,
  event: "started" | "retried" | "recovered" | "exhausted",
  { run, invoice }: { run: DunningRun; invoice: Invoice },
): Promise<void> {
  const { invoiceId, subscriptionId, customerId, retries } = run;
  return publish(context, {
    type: `dunning.${event}`,
    subject: invoiceId,
    data: {
      invoiceId,
      subscriptionId,
      customerId,
      retries,
      currency: invoice.currency,
      amount: toWire(invoice.amountDue),
    },
  });
}
