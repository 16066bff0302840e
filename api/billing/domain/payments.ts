import { type Money, ZERO, money } from "./money.ts";

/** Where a payment is. Each phase carries what it needs, so that one without it has no spelling. */
export type PaymentState =
  | { status: "created" }
  | { status: "processing"; chargeId: string | undefined }
  | { status: "requires_action"; chargeId: string }
  | { status: "succeeded"; chargeId: string }
  | { status: "failed"; reason: string }
  /** It had succeeded, and the money was taken back later: no dispute, the bank says it never came. */
  | { status: "reversed"; chargeId: string; reason: string };

export type PaymentEvent =
  | { type: "started" }
  | { type: "accepted"; chargeId: string }
  | { type: "authentication_asked"; chargeId: string }
  | { type: "confirmed" }
  | { type: "succeeded"; chargeId: string }
  | { type: "failed"; reason: string }
  | { type: "reversed"; reason: string };

/**
 * What an event makes of a payment; the very same state when it changes nothing. Events come twice and in any order, so
 * an end that was reached is final, and an event proves those that must have come before it.
 */
export function advance(state: PaymentState, event: PaymentEvent): PaymentState {
  switch (state.status) {
    case "created":
      return event.type === "started"
        ? { status: "processing", chargeId: undefined }
        : heard(state, event);
    case "processing":
      return heard(state, event);
    case "requires_action":
      if (event.type === "confirmed") return { status: "processing", chargeId: state.chargeId };
      // An answer to the first call that is heard again says nothing new.
      return event.type === "authentication_asked" ? state : heard(state, event);
    case "succeeded":
      if (event.type !== "reversed") return state;
      return { status: "reversed", chargeId: state.chargeId, reason: event.reason };
    case "failed":
    case "reversed":
      return state;
  }
}

/** What the gateway says of a payment that is under way. */
function heard(state: PaymentState, event: PaymentEvent): PaymentState {
  switch (event.type) {
    case "accepted":
      if (state.status !== "processing" || state.chargeId === event.chargeId) return state;
      return { status: "processing", chargeId: event.chargeId };
    case "authentication_asked":
      // Known already: this is the question that was confirmed meanwhile.
      if (state.status === "processing" && state.chargeId !== undefined) return state;
      return { status: "requires_action", chargeId: event.chargeId };
    case "succeeded":
      return { status: "succeeded", chargeId: event.chargeId };
    case "failed":
    case "reversed":
      // It came and went before we heard that it had come: for us there was never any money.
      return { status: "failed", reason: event.reason };
    case "started":
    case "confirmed":
      return state;
  }
}

/** So long its owner has to be authenticated; then the payment has failed, and what it pays can be paid otherwise. */
export const AUTHENTICATION_MS = 24 * 3_600_000;

/** What of a payment has gone back or may not be touched. */
export type PaymentBalances = {
  amount: Money;
  refunded: Money;
  refundPending: Money;
  /** In disputes that are open or lost. */
  disputed: Money;
  disputesOpen: number;
};

/** What may still be given back. */
export function refundable({ amount, refunded, refundPending, disputed }: PaymentBalances): Money {
  const left = amount - refunded - refundPending - disputed;
  return left > 0n ? money(left) : ZERO;
}

export type RefundDecision = { ok: true; amount: Money } | { ok: false; reason: string };

const refused = (reason: string): RefundDecision => ({ ok: false, reason });

/** How much a refund gives back: what was asked for, or all that is left. */
export function decideRefund(
  payment: PaymentBalances & { state: PaymentState },
  asked: Money | undefined,
): RefundDecision {
  if (payment.state.status !== "succeeded") {
    return refused(
      `the payment is ${payment.state.status}: only one that succeeded can be refunded`,
    );
  }
  if (payment.disputesOpen > 0) {
    return refused("the payment is disputed: wait for the end of the dispute, or accept it");
  }
  const left = refundable(payment);
  if (left === 0n) return refused("nothing is left of the payment to give back");
  if (asked === undefined) return { ok: true, amount: left };
  if (asked > left) return refused(`only ${left} minor units of the payment are left`);
  return { ok: true, amount: asked };
}

export const PAYMENT_STATUSES = [
  "created",
  "processing",
  "requires_action",
  "succeeded",
  "failed",
  "reversed",
  "partially_refunded",
  "refunded",
  "disputed",
  "charged_back",
] as const;
export type PaymentStatus = (typeof PAYMENT_STATUSES)[number];

/** The status as people know it: a payment that succeeded says what became of its money. */
export function displayStatus(payment: PaymentBalances & { state: PaymentState }): PaymentStatus {
  if (payment.state.status !== "succeeded") return payment.state.status;
  if (payment.disputesOpen > 0) return "disputed";
  if (payment.disputed > 0n) return "charged_back";
  if (payment.refunded === 0n) return "succeeded";
  return payment.refunded === payment.amount ? "refunded" : "partially_refunded";
}
