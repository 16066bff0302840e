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

const unchanged = (reason: string): DisputeTransition => ({ changed: false, reason });
const changedTo = (status: DisputeStatus): DisputeTransition => ({ changed: true, status });

/** The status after an event, or the reason why the event changes nothing. */
export function transition(
  dispute: { status: DisputeStatus; evidenceDueByMs: number },
  event: DisputeEvent,
): DisputeTransition {
  const { status, evidenceDueByMs } = dispute;
  if (isClosed(status)) return unchanged(`the dispute is closed: ${status}`);
  switch (event.type) {
    case "decided":
      return changedTo(event.outcome);
    case "accept":
      return changedTo("accepted");
    case "evidence":
      if (status === "under_review")
        return unchanged("evidence was submitted and the bank is reviewing it");
      if (event.nowMs >= evidenceDueByMs) return unchanged("the deadline for evidence has passed");
      return changedTo("under_review");
    case "deadline":
      if (status === "under_review") return unchanged("evidence was submitted in time");
      return event.nowMs < evidenceDueByMs
        ? unchanged("the deadline has not passed")
        : changedTo("expired");
  }
}

export const isClosed = (status: DisputeStatus): boolean =>
  status !== "needs_response" && status !== "under_review";

type Withdrawn = {
  currency: string;
  customerId: string;
  amount: bigint;
  fee: bigint;
  /** The part taken from the customer's credit. */
  fromCredit: bigint;
};

/** The gateway withdraws the amount and a fee when a dispute opens. Winning it reverses these entries. */
export function withdrawalEntries(dispute: Withdrawn): Entry[] {
  const { currency, customerId, amount, fee, fromCredit } = dispute;
  return [
    { account: "disputes", currency, amount: amount - fromCredit },
    { account: `customer_credit:${customerId}`, currency, amount: fromCredit },
    { account: "dispute_fees", currency, amount: fee },
    { account: "cash:gateway", currency, amount: -(amount + fee) },
  ];
}
