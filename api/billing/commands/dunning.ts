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

/** Begins to charge what credit does not pay of an open invoice. */
async function collectInvoice(
  context: CommandContext,
  invoiceId: string,
): Promise<"begun" | "nothing_to_do" | "no_method"> {
  const { tx } = context;
  const { customerId } = await lockInvoice(tx, invoiceId);
  await applyCustomerCredit(context, customerId);
  const invoice = await lockInvoice(tx, invoiceId);
  const due = invoice.status === "open" && invoice.amountDue > 0n;
  if (!due || (await hasOpenPayment(tx, invoiceId))) return "nothing_to_do";
  const method = await methodFor(context, invoice);
  if (method === undefined) return "no_method";
  await beginPayment(context, { invoice, method, automatic: true });
  return "begun";
}

/** Collects a new invoice; without a payment method its customer has until it is due to pay it. */
export async function collectNewInvoice(context: CommandContext, invoiceId: string): Promise<void> {
  const { kit, tx, nowMs } = context;
  if ((await collectInvoice(context, invoiceId)) !== "no_method") return;
  const { dueMs } = await readInvoice(tx, invoiceId);
  const runAtMs = dueMs ?? nowMs;
  await kit.jobs.add(tx, { kind: "invoice-due", payload: { invoiceId }, runAtMs });
}

/** An invoice is due that was left to its customer to pay. */
export async function collectDueInvoice(context: CommandContext, invoiceId: string): Promise<void> {
  if ((await collectInvoice(context, invoiceId)) !== "no_method") return;
  await failCollection(context, await lockInvoice(context.tx, invoiceId));
}

/** A payment of a locked invoice has failed. What a person tried counts once the invoice is overdue or dunned. */
export async function recordFailedPayment(
  context: CommandContext,
  invoice: Invoice,
  { automatic }: { automatic: boolean },
): Promise<void> {
  const overdue = invoice.dueMs !== null && invoice.dueMs <= context.nowMs;
  const counts =
    automatic || overdue || (await findRun(context.tx, invoice.id))?.status === "active";
  if (counts) await failCollection(context, invoice);
}

async function methodFor(
  context: CommandContext,
  invoice: Invoice,
): Promise<PaymentMethod | undefined> {
  const { tx } = context;
  const { customerId, subscriptionId } = invoice;
  const own =
    subscriptionId === null ? null : (await readSubscription(tx, subscriptionId)).paymentMethodId;
  const chosen = own === null ? undefined : await findMethodOf(tx, customerId, own);
  return chosen ?? findMethodOf(tx, customerId, undefined);
}

/**
 * Collecting a locked invoice of a subscription has failed: the next retry is promised, or it is given up, as the policy
 * says. An invoice whose money was taken back begins anew.
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
      : { invoiceId, subscriptionId, customerId, ...fresh(nowMs) };
  if (run !== before) {
    await markPastDue(context, subscriptionId);
    await say(context, "started", { run, invoice });
  }
  const step = nextDunningStep(await readPolicy(tx), {
    startedAtMs: run.startedMs,
    retries: run.retries,
    nowMs,
  });
  if (step.kind === "give_up") {
    await giveUp(context, { run, invoice, outcome: step.outcome });
    return;
  }
  await saveRun(tx, { ...run, nextMs: step.atMs }, nowMs);
  const payload = { invoiceId, startedMs: run.startedMs, retry: run.retries + 1 };
  await kit.jobs.add(tx, { kind: "dunning.retry", payload, runAtMs: step.atMs });
}

const fresh = (nowMs: number) => ({
  status: "active" as const,
  startedMs: nowMs,
  retries: 0,
  nextMs: null,
});

type GivenUp = { run: DunningRun; invoice: Invoice; outcome: "cancel" | "unpaid" };

async function giveUp(context: CommandContext, { run, invoice, outcome }: GivenUp): Promise<void> {
  const ended: DunningRun = { ...run, status: "exhausted", nextMs: null };
  await saveRun(context.tx, ended, context.nowMs);
  await say(context, "exhausted", { run: ended, invoice });
  const becomes = outcome === "cancel" ? "canceled" : "unpaid";
  await applyDunningOutcome(context, run.subscriptionId, becomes);
  // Who is no customer any more will hardly pay; an unpaid subscription waits for it.
  if (outcome === "cancel") {
    const { nowMs, traceId } = context;
    await writeOffInvoice(context, context.tx, { invoiceId: invoice.id, nowMs, traceId });
  }
}

/** Tries again, unless it was done before or nothing is due any more. */
export async function retryCollection(
  context: CommandContext,
  { invoiceId, startedMs, retry }: { invoiceId: string; startedMs: number; retry: number },
): Promise<void> {
  const invoice = await lockInvoice(context.tx, invoiceId);
  const run = await findRun(context.tx, invoiceId);
  if (run?.status !== "active" || run.startedMs !== startedMs || run.retries !== retry - 1) return;
  const tried: DunningRun = { ...run, retries: retry, nextMs: null };
  if (invoice.status !== "open") return endDunning(context, invoice);
  await saveRun(context.tx, tried, context.nowMs);
  await say(context, "retried", { run: tried, invoice });
  if ((await collectInvoice(context, invoiceId)) === "no_method")
    await failCollection(context, invoice);
}

/** Credit has paid an invoice, a note or a void has taken it back, or it was written off: nothing is expected of it. */
export async function closeDunningIfSettled(
  context: CommandContext,
  invoiceId: string,
): Promise<void> {
  const invoice = await lockInvoice(context.tx, invoiceId);
  if (invoice.status !== "open") await endDunning(context, invoice);
}

/** A locked invoice was paid, or is due no more: its subscription is in good standing again. */
export async function endDunning(context: CommandContext, invoice: Invoice): Promise<void> {
  const run = await findRun(context.tx, invoice.id);
  if (run?.status === "active") {
    const status = invoice.status === "uncollectible" ? "exhausted" : "recovered";
    const ended: DunningRun = { ...run, status, nextMs: null };
    await saveRun(context.tx, ended, context.nowMs);
    await say(context, status, { run: ended, invoice });
  }
  if (invoice.subscriptionId !== null) await recoverSubscription(context, invoice.subscriptionId);
}

function say(
  context: CommandContext,
  happened: "started" | "retried" | "recovered" | "exhausted",
  { run, invoice }: { run: DunningRun; invoice: Invoice },
): Promise<void> {
  const { invoiceId, subscriptionId, customerId, retries } = run;
  return publish(context, {
    type: `dunning.${happened}`,
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
