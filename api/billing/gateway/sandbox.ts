import { createHmac } from "node:crypto";

import { AppError } from "#platform/errors.ts";
import { parseJson } from "#platform/http/read-body.ts";
import { newId } from "#platform/ids.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import {
  LATER_MS,
  behaviourOf,
  brandOf,
  decisionOf,
  findTestCard,
  passesLuhn,
} from "../domain/sandbox.ts";
import type { BillingKit } from "../kit.ts";
import {
  type SandboxCharge,
  type SandboxRefund,
  behaviourOfToken,
  insertCard,
  insertRefund,
  lockCharge,
  lockDispute,
  lockRefund,
  refundedOf,
  updateCharge,
  updateDispute,
  upsertCharge,
} from "../repositories/sandbox.ts";
import { GatewayEvent } from "./events.ts";
import {
  type ChargeOutcome,
  type ChargeRequest,
  type Gateway,
  OutcomeUnknown,
  type RefundOutcome,
  type RefundRequest,
} from "./port.ts";
import {
  closeDispute,
  completeCharge,
  emitEvent,
  scheduleLater,
  webhookKey,
} from "./sandbox-bank.ts";
import { SIGNATURE_HEADER, checkSignature } from "./signature.ts";

const NAME = "sandbox";

/**
 * A gateway without a bank. It behaves as its test cards define (domain/sandbox.ts), has its own tables and
 * transactions, and reports by signed webhooks over HTTP like an external gateway.
 */
export function sandboxGateway(kit: BillingKit): Gateway {
  const inTransaction = <T>(work: (tx: Queryable) => Promise<T>): Promise<T> =>
    kit.database.transaction(work);
  const fingerprintKey = kit.secret("card fingerprints of the gateway sandbox");
  return {
    name: NAME,
    async tokenize({ number, cvc, ...expiry }) {
      const createdAtMs = kit.clock.nowMs();
      const { name: behaviour } = testCard(number, cvc);
      checkExpiry(expiry, createdAtMs);
      const token = newId("tok");
      await insertCard(kit.database, { token, behaviour, createdAtMs });
      const fingerprint = createHmac("sha256", fingerprintKey).update(number).digest("hex");
      return { token, brand: brandOf(number), last4: number.slice(-4), ...expiry, fingerprint };
    },
    async charge(request) {
      const charge = await inTransaction((tx) => chargeOnce(kit, tx, request));
      // The charge is made but its response is lost; the next call with this key returns it.
      if (charge.calls === 1 && behaviourOf(charge.behaviour).losesFirstResponse) {
        throw new OutcomeUnknown(NAME);
      }
      return outcomeOf(charge);
    },
    confirm: ({ chargeId }) => inTransaction((tx) => confirm(kit, tx, chargeId)),
    cancel: ({ chargeId }) => inTransaction((tx) => cancel(kit, tx, chargeId)),
    refund: (request) => inTransaction((tx) => refundOnce(kit, tx, request)),
    submitEvidence: ({ disputeId, text }) =>
      inTransaction(async (tx) => {
        const dispute = await lockDispute(tx, disputeId);
        if (dispute?.status !== "open") return;
        const updated = await updateDispute(tx, { ...dispute, evidence: text });
        const outcome = decisionOf(text);
        if (outcome) {
          await closeDispute(kit, tx, { dispute: updated, outcome });
          return;
        }
        const waitMs = LATER_MS.decision;
        await scheduleLater(kit, tx, { what: "decision", id: disputeId, waitMs });
      }),
    acceptDispute: ({ disputeId }) =>
      inTransaction(async (tx) => {
        const dispute = await lockDispute(tx, disputeId);
        if (dispute) await closeDispute(kit, tx, { dispute, outcome: "lost" });
      }),
    readEvent({ body, header }) {
      const signature = header(SIGNATURE_HEADER);
      checkSignature(webhookKey(kit), { body, signature }, kit.clock.nowMs());
      const event = GatewayEvent.safeParse(parseJson(body.toString()));
      if (event.success) return event.data;
      throw new AppError("bad_request", "The body is signed but is not a known event.");
    },
  };
}

async function chargeOnce(
  kit: BillingKit,
  tx: Queryable,
  request: ChargeRequest,
): Promise<SandboxCharge> {
  const behaviour = await behaviourOfToken(tx, request.token);
  if (behaviour === undefined) throw new Error("the sandbox has no such card");
  const charge = await upsertCharge(tx, {
    key: request.key,
    reference: request.reference,
    amount: request.amount,
    currency: request.currency,
    behaviour,
    status: "processing",
    reason: null,
    createdAtMs: kit.clock.nowMs(),
  });
  if (charge.amount !== request.amount || charge.reference !== request.reference) {
    throw new Error(`the key ${request.key} was used for another charge`);
  }
  if (charge.calls > 1) return charge;
  const { charge: result, reason = null } = behaviourOf(behaviour);
  switch (result) {
    case "succeeds":
      return completeCharge(kit, tx, { ...charge, status: "succeeded" });
    case "fails":
      return completeCharge(kit, tx, { ...charge, status: "failed", reason });
    case "answers_late":
      await scheduleLater(kit, tx, { what: "answer", id: charge.id, waitMs: LATER_MS.answer });
      return charge;
    case "needs_authentication":
      return requireAuthentication(kit, tx, charge);
  }
}

async function requireAuthentication(
  kit: BillingKit,
  tx: Queryable,
  { id, reason, reference }: SandboxCharge,
): Promise<SandboxCharge> {
  const data = { charge: { id, reference } };
  await emitEvent(kit, tx, { type: "charge.requires_action", data });
  return updateCharge(tx, { id, status: "requires_action", reason });
}

async function requireCharge(tx: Queryable, id: string): Promise<SandboxCharge> {
  const charge = await lockCharge(tx, { id });
  if (!charge) throw new Error(`the sandbox has no charge ${id}`);
  return charge;
}

async function confirm(kit: BillingKit, tx: Queryable, chargeId: string): Promise<ChargeOutcome> {
  const charge = await requireCharge(tx, chargeId);
  if (charge.status !== "requires_action") return outcomeOf(charge);
  const { confirm: result, reason = null } = behaviourOf(charge.behaviour);
  const succeeds = result === "succeeds";
  const status = succeeds ? "succeeded" : "failed";
  const completed = { ...charge, status, reason: succeeds ? null : reason } as const;
  return outcomeOf(await completeCharge(kit, tx, completed));
}

async function cancel(kit: BillingKit, tx: Queryable, chargeId: string): Promise<ChargeOutcome> {
  const charge = await requireCharge(tx, chargeId);
  if (charge.status !== "requires_action") return outcomeOf(charge);
  const reason = "authentication_not_given";
  return outcomeOf(await completeCharge(kit, tx, { ...charge, status: "failed", reason }));
}

function outcomeOf({ id, status, reason }: SandboxCharge): ChargeOutcome {
  if (status !== "failed" && status !== "reversed") return { status, chargeId: id };
  return { status: "failed", chargeId: id, reason: reason ?? "declined" };
}

async function refundOnce(
  kit: BillingKit,
  tx: Queryable,
  request: RefundRequest,
): Promise<RefundOutcome> {
  const charge = await requireCharge(tx, request.chargeId);
  const before = await lockRefund(tx, { key: request.key });
  if (before) return refundOutcome(before);
  const left = charge.amount - (await refundedOf(tx, charge.id));
  const refused = charge.status !== "succeeded" || request.amount > left;
  const later = behaviourOf(charge.behaviour).refund !== undefined;
  const refund = await insertRefund(tx, {
    key: request.key,
    reference: request.reference,
    chargeId: charge.id,
    amount: request.amount,
    status: refused ? "failed" : later ? "pending" : "succeeded",
    reason: refused ? "more_than_is_left" : null,
    createdAtMs: kit.clock.nowMs(),
  });
  if (refund.status === "pending") {
    await scheduleLater(kit, tx, { what: "refund", id: refund.id, waitMs: LATER_MS.refund });
  }
  return refundOutcome(refund);
}

const refundOutcome = ({ id, status, reason }: SandboxRefund): RefundOutcome =>
  status === "failed"
    ? { status, refundId: id, reason: reason ?? "refused" }
    : { status, refundId: id };

function testCard(number: string, cvc: string): { name: string } {
  if (!passesLuhn(number))
    throw invalidCard("number", "the check digit of the card number is wrong");
  const card = findTestCard(number);
  if (!card)
    throw invalidCard(
      "number",
      "the sandbox accepts only its test cards, which are listed at /docs",
    );
  const digits = brandOf(number) === "amex" ? 4 : 3;
  if (cvc.length !== digits)
    throw invalidCard("cvc", `give the ${digits} digits of the security code`);
  return card;
}

function checkExpiry({ expMonth, expYear }: { expMonth: number; expYear: number }, nowMs: number) {
  // A card is valid until the end of its month in every time zone.
  if (Date.UTC(expYear, expMonth, 2) <= nowMs) throw invalidCard("expYear", "the card has expired");
}

const invalidCard = (field: string, message: string): AppError =>
  new AppError("unprocessable", `card.${field}: ${message}.`, {
    fields: [{ path: `body.card.${field}`, code: "invalid_card", message }],
  });
