import { type Money, ZERO, money } from "./money.ts";

export type PaymentState =
  | { status: "created" }
  | { status: "processing"; chargeId: string | undefined }
  | { status: "requires_action"; chargeId: string }
  | { status: "succeeded"; chargeId: string }
  | { status: "failed"; reason: string }
  /** The bank returned a payment that had succeeded, without a dispute. */
  | { status: "reversed"; chargeId: string; reason: string };

export type PaymentEvent =
  | { type: "started" }
  | { type: "accepted"; chargeId: string }
  | { type: "authentication_required"; chargeId: string }
  | { type: "confirmed" }
  | { type: "succeeded"; chargeId: string }
  | { type: "failed"; reason: string }
  | { type: "reversed"; reason: string };

/**
 * The state after an event; the same object if nothing changes. Events may be duplicated or out of order, so final
 * states are kept and an event implies the ones that must precede it.
 */
export function advance(state: PaymentState, event: PaymentEvent): PaymentState {
  switch (state.status) {
    case "created":
      return event.type === "started"
        ? { status: "processing", chargeId: undefined }
        : applyGatewayEvent(state, event);
    case "processing":
      return applyGatewayEvent(state, event);
    case "requires_action":
      if (event.type === "confirmed") return { status: "processing", chargeId: state.chargeId };
      return event.type === "authentication_required" ? state : applyGatewayEvent(state, event);
    case "succeeded":
      if (event.type !== "reversed") return state;
      return { status: "reversed", chargeId: state.chargeId, reason: event.reason };
    case "failed":
    case "reversed":
      return state;
  }
}

function applyGatewayEvent(state: PaymentState, event: PaymentEvent): PaymentState {
  switch (event.type) {
    case "accepted":
      if (state.status !== "processing" || state.chargeId === event.chargeId) return state;
      return { status: "processing", chargeId: event.chargeId };
    case "authentication_required":
      // A late duplicate: the authentication was confirmed in the meantime.
      if (state.status === "processing" && state.chargeId !== undefined) return state;
      return { status: "requires_action", chargeId: event.chargeId };
    case "succeeded":
      return { status: "succeeded", chargeId: event.chargeId };
    case "failed":
    case "reversed":
      // Reversed before its success was reported: it never counted as paid.
      return { status: "failed", reason: event.reason };
    case "started":
    case "confirmed":
      return state;
  }
}

/** A payment that is not authenticated within this time fails, so that the invoice can be paid otherwise. */
export const AUTHENTICATION_MS = 24 * 3_600_000;

export type PaymentBalances = {
  amount: Money;
  refunded: Money;
  refundPending: Money;
  /** Total of open and lost disputes. */
  disputed: Money;
  disputesOpen: number;
};

export function refundable({ amount, refunded, refundPending, disputed }: PaymentBalances): Money {
  const left = amount - refunded - refundPending - disputed;
  return left > 0n ? money(left) : ZERO;
}

export type RefundDecision = { ok: true; amount: Money } | { ok: false; reason: string };

const refused = (reason: string): RefundDecision => ({ ok: false, reason });

/** The requested amount, or all that is left. */
export function decideRefund(
  payment: PaymentBalances & { state: PaymentState },
  requested: Money | undefined,
): RefundDecision {
  if (payment.state.status !== "succeeded") {
    return refused(
      `the payment is ${payment.state.status}: only a payment that succeeded can be refunded`,
    );
  }
  if (payment.disputesOpen > 0) {
    return refused("the payment is disputed: wait for the decision, or accept the dispute");
  }
  const left = refundable(payment);
  if (left === 0n) return refused("nothing of the payment is left to refund");
  if (requested === undefined) return { ok: true, amount: left };
  if (requested > left) return refused(`only ${left} minor units of the payment are left`);
  return { ok: true, amount: requested };
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

/** The public status, which also reflects refunds and disputes. */
export function displayStatus(payment: PaymentBalances & { state: PaymentState }): PaymentStatus {
  if (payment.state.status !== "succeeded") return payment.state.status;
  if (payment.disputesOpen > 0) return "disputed";
  if (payment.disputed > 0n) return "charged_back";
  if (payment.refunded === 0n) return "succeeded";
  return payment.refunded === payment.amount ? "refunded" : "partially_refunded";
}
