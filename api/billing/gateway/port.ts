import type { GatewayEvent } from "./events.ts";

/** A card as it was typed. It goes to the gateway at once, and is neither stored nor logged here. */
export type Card = { number: string; expMonth: number; expYear: number; cvc: string };

/** What of a card is kept: enough to recognise it, nothing to pay with elsewhere. */
type CardToken = {
  /** Opaque, of the gateway. */
  token: string;
  brand: string;
  last4: string;
  expMonth: number;
  expYear: number;
  /** The same for the same number, and not to be turned back into it. */
  fingerprint: string;
};

export type ChargeRequest = {
  /** Ours; the same key is the same charge, however often it is sent. */
  key: string;
  token: string;
  /** Minor units. */
  amount: bigint;
  currency: string;
  /** Id of our payment; comes back in every event about the charge. */
  reference: string;
};

/** `processing`: the outcome comes later, by webhook. */
export type ChargeOutcome =
  | { status: "succeeded" | "requires_action" | "processing"; chargeId: string }
  | { status: "failed"; chargeId: string; reason: string };

export type RefundRequest = {
  key: string;
  chargeId: string;
  amount: bigint;
  currency: string;
  /** Id of our refund. */
  reference: string;
};
export type RefundOutcome =
  | { status: "succeeded"; refundId: string }
  | { status: "pending"; refundId: string }
  | { status: "failed"; refundId: string; reason: string };

/** A webhook as it came in. */
type Delivery = { body: Buffer; header(name: string): string | undefined };

/** Nothing was heard: what was asked for may have been done or not. Ask again with the same key. */
export class OutcomeUnknown extends Error {
  constructor(gateway: string, options?: ErrorOptions) {
    super(`the gateway ${gateway} did not respond`, options);
    this.name = "NoAnswer";
  }
}

/**
 * A payment gateway. Must do each thing once for each key: a repeated key does nothing again and tells how it stands,
 * and is rejected when it asks for something else. Must reject with `OutcomeUnknown` when the outcome is not known. Must send an event for every
 * change that it did not answer, at least once and in any order.
 */
export interface Gateway {
  readonly name: string;
  /** @throws AppError unprocessable that names the field of the card that is wrong */
  tokenize(card: Card): Promise<CardToken>;
  charge(request: ChargeRequest): Promise<ChargeOutcome>;
  /** Goes on with a charge after its owner was authenticated. */
  confirm(request: { key: string; chargeId: string }): Promise<ChargeOutcome>;
  /** Gives up a charge whose owner was not authenticated (yet), and tells how it stands: it may be too late. */
  cancel(request: { key: string; chargeId: string }): Promise<ChargeOutcome>;
  refund(request: RefundRequest): Promise<RefundOutcome>;
  submitEvidence(request: { key: string; disputeId: string; text: string }): Promise<void>;
  acceptDispute(request: { key: string; disputeId: string }): Promise<void>;
  /**
   * The event of a webhook.
   * @throws AppError bad_request when it is not from the gateway, or was signed too long ago
   */
  readEvent(delivery: Delivery): GatewayEvent;
}
