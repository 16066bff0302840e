import { z } from "zod";

import type { FactName, FactRow, Source } from "./facts.ts";

/** An event of a service's feed (`GET /v1/events`). */
export const FeedEvent = z.object({
  id: z.string().regex(/^\d{1,15}$/),
  type: z.string(),
  at: z.iso.datetime(),
  data: z.record(z.string(), z.unknown()),
});
export type FeedEvent = z.infer<typeof FeedEvent>;

export type EventFact =
  | { kind: "fact"; fact: FactName; row: FactRow }
  /** Not used by any report. */
  | { kind: "other" }
  /** Expected to be a fact, but invalid. */
  | { kind: "rejected"; reason: string };

const id = z.string().min(1).max(200);
const optionalId = id.nullish().transform((it) => it ?? null);
const words = z
  .string()
  .nullish()
  .transform((it) => it?.slice(0, 200) ?? null);
const currency = z.string().regex(/^[A-Z]{3}$/);
/** Minor units. */
const amount = z.int().min(-1e15).max(1e15);

const Subscription = z.object({
  subscriptionId: id,
  customerId: id,
  planId: id,
  priceId: id,
  status: id,
  currency,
  mrr: amount.min(0),
});
const Invoice = z.object({
  invoiceId: id,
  number: words,
  customerId: id,
  subscriptionId: optionalId,
  currency,
  subtotal: amount,
  discount: amount,
  tax: amount,
  total: amount,
});
const Payment = z.object({
  paymentId: id,
  invoiceId: optionalId,
  customerId: id,
  currency,
  amount,
  reason: words,
});
const Refund = z.object({ refundId: id, paymentId: id, customerId: id, currency, amount });
const Dispute = z.object({
  disputeId: id,
  paymentId: id,
  customerId: id,
  currency,
  amount,
  fee: amount.nullish().transform((it) => it ?? 0),
});
const CreditNote = z.object({
  creditNoteId: id,
  invoiceId: id,
  customerId: id,
  currency,
  amount,
});
const Account = z.object({ accountId: id });
const Session = z.object({ accountId: id, method: words, reason: words });

type Shape = { fact: FactName; schema: z.ZodType<Readonly<Record<string, unknown>>> };

/** The events that are facts. The last segment of the type is the row's `kind`, if the table has that column. */
const SHAPES: Readonly<Record<string, Shape>> = {
  "billing.subscription.created": { fact: "subscription_changes", schema: Subscription },
  "billing.subscription.changed": { fact: "subscription_changes", schema: Subscription },
  "billing.subscription.canceled": { fact: "subscription_changes", schema: Subscription },
  "billing.invoice.finalized": { fact: "invoices", schema: Invoice },
  "billing.invoice.paid": { fact: "invoices", schema: Invoice },
  "billing.invoice.reopened": { fact: "invoices", schema: Invoice },
  "billing.invoice.voided": { fact: "invoices", schema: Invoice },
  "billing.payment.succeeded": { fact: "payments", schema: Payment },
  "billing.payment.failed": { fact: "payments", schema: Payment },
  "billing.refund.succeeded": { fact: "refunds", schema: Refund },
  "billing.dispute.opened": { fact: "disputes", schema: Dispute },
  "billing.dispute.won": { fact: "disputes", schema: Dispute },
  "billing.dispute.lost": { fact: "disputes", schema: Dispute },
  "billing.credit_note.issued": { fact: "credit_notes", schema: CreditNote },
  "accounts.account.created": { fact: "accounts", schema: Account },
  "accounts.session.started": { fact: "sessions", schema: Session },
  "accounts.session.ended": { fact: "sessions", schema: Session },
};

const WITH_KIND: ReadonlySet<FactName> = new Set(["invoices", "payments", "disputes", "sessions"]);

/** Converts an event to a fact. Account ids are hashed: no report needs to identify a person. */
export function factOf(
  source: Source,
  event: FeedEvent,
  hashUser: (accountId: string) => string,
): EventFact {
  const shape = Object.hasOwn(SHAPES, event.type) ? SHAPES[event.type] : undefined;
  if (shape === undefined || !event.type.startsWith(`${source}.`)) return { kind: "other" };
  const parsed = shape.schema.safeParse(event.data);
  if (!parsed.success) return { kind: "rejected", reason: reasonOf(event, parsed.error) };
  const row: Record<string, string | number | null> = {
    event_key: `${source}:${event.id}`,
    seq: Number(event.id),
    happened_at: Date.parse(event.at),
  };
  if (WITH_KIND.has(shape.fact)) row["kind"] = event.type.split(".").at(-1) ?? "";
  for (const [name, value] of Object.entries(parsed.data)) {
    if (name === "accountId") row["account_hash"] = hashUser(String(value));
    else row[snakeCase(name)] = typeof value === "number" ? value : textOrNull(value);
  }
  return { kind: "fact", fact: shape.fact, row };
}

function reasonOf(event: FeedEvent, error: z.ZodError): string {
  const [issue] = error.issues;
  return `${event.type} ${event.id}: data.${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`;
}

const textOrNull = (value: unknown): string | null => (typeof value === "string" ? value : null);
const snakeCase = (name: string): string =>
  name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
