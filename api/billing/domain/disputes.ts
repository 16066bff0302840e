import type { Entry } from "./ledger.ts";

export const DISPUTE_STATUSES = [
  "needs_response",
  "under_review",
  "won",
  "lost",
  "accepted",
  "expired",
] as const;
export type DisputeStatus = (typeof DISPUTE_STATUSES)[number];

export type DisputeEvent =
  | { type: "evidence"; nowMs: number }
  | { type: "accept" }
  | { type: "deadline"; nowMs: number }
  | { type: "decided"; outcome: "won" | "lost" };

export type DisputeTransition =
  | { changed: true; status: DisputeStatus }
  | { changed: false; reason: string };

const same = (reason: string): DisputeTransition => ({ changed: false, reason });
const to = (next: DisputeStatus): DisputeTransition => ({ changed: true, status: next });

/** What an event makes of a dispute; when it changes nothing, why. */
export function transition(
  dispute: { status: DisputeStatus; evidenceDueByMs: number },
  event: DisputeEvent,
): DisputeTransition {
  const { status, evidenceDueByMs } = dispute;
  if (isClosed(status)) return same(`the dispute is over: ${status}`);
  switch (event.type) {
    case "decided":
      return to(event.outcome);
    case "accept":
      return to("accepted");
    case "evidence":
      if (status === "under_review") return same("evidence was given: the bank is reviewing it");
      if (event.nowMs >= evidenceDueByMs) return same("the deadline for evidence has passed");
      return to("under_review");
    case "deadline":
      if (status === "under_review") return same("evidence was given in time");
      return event.nowMs < evidenceDueByMs ? same("there is time left") : to("expired");
  }
}

export const isClosed = (status: DisputeStatus): boolean =>
  status !== "needs_response" && status !== "under_review";

type Withdrawn = {
  currency: string;
  customerId: string;
  amount: bigint;
  fee: bigint;
  /** The part that the customer had as credit, and has no longer. */
  fromCredit: bigint;
};

/** What the gateway takes when a dispute opens: the amount and its fee. The opposite of it when it is won. */
export function withdrawalEntries(dispute: Withdrawn): Entry[] {
  const { currency, customerId, amount, fee, fromCredit } = dispute;
  return [
    { account: "disputes", currency, amount: amount - fromCredit },
    { account: `customer_credit:${customerId}`, currency, amount: fromCredit },
    { account: "dispute_fees", currency, amount: fee },
    { account: "cash:gateway", currency, amount: -(amount + fee) },
  ];
}
