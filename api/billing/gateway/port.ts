import type { GatewayEvent } from "./events.ts";

/** Sent to the gateway; never stored or logged here. */
export type Card = { number: string; expMonth: number; expYear: number; cvc: string };

/** The stored part of a card, without its number. */
type CardToken = {
  /** Opaque; issued by the gateway. */
  token: string;
  brand: string;
  last4: string;
  expMonth: number;
  expYear: number;
  /** Equal for the same number, from which it cannot be recovered. */
  fingerprint: string;
};

export type ChargeRequest = {
  /** Idempotency key. */
  key: string;
  token: string;
  /** Minor units. */
  amount: bigint;
  currency: string;
  /** Id of the payment; included in every event of the charge. */
  reference: string;
};

/** `processing`: the outcome is reported by webhook. */
export type ChargeOutcome =
  | { status: "succeeded" | "requires_action" | "processing"; chargeId: string }
  | { status: "failed"; chargeId: string; reason: string };

export type RefundRequest = {
  key: string;
  chargeId: string;
  amount: bigint;
  currency: string;
  /** Id of the refund. */
  reference: string;
};
export type RefundOutcome =
  | { status: "succeeded"; refundId: string }
  | { status: "pending"; refundId: string }
  | { status: "failed"; refundId: string; reason: string };

type Delivery = { body: Buffer; header(name: string): string | undefined };

/** No response: the request may have been processed or not. Repeat it with the same key. */
export class OutcomeUnknown extends Error {
  constructor(gateway: string, options?: ErrorOptions) {
    super(`the gateway ${gateway} did not respond`, options);
    this.name = "NoAnswer";
  }
}

/**
 * A payment gateway. A repeated key must have no further effect and return the current outcome; with other parameters it
 * must be rejected. An unknown outcome must reject with `OutcomeUnknown`. Every change that was not returned must be
 * reported by an event, at least once and in any order.
 */
export interface Gateway {
  readonly name: string;
  /** @throws AppError unprocessable that names the invalid field */
  tokenize(card: Card): Promise<CardToken>;
  charge(request: ChargeRequest): Promise<ChargeOutcome>;
  /** Continues a charge after authentication. */
  confirm(request: { key: string; chargeId: string }): Promise<ChargeOutcome>;
  /** Cancels a charge that awaits authentication. @returns its outcome, which may already be another */
  cancel(request: { key: string; chargeId: string }): Promise<ChargeOutcome>;
  refund(request: RefundRequest): Promise<RefundOutcome>;
  submitEvidence(request: { key: string; disputeId: string; text: string }): Promise<void>;
  acceptDispute(request: { key: string; disputeId: string }): Promise<void>;
  /** Parses a webhook. @throws AppError bad_request for an invalid or old signature, or an unknown event */
  readEvent(delivery: Delivery): GatewayEvent;
}
