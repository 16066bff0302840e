import { createHmac } from "node:crypto";

import type { Kit } from "#api/kit/service.ts";
import { AppError } from "#platform/errors.ts";
import { parseJson } from "#platform/http/request-input.ts";
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
import {
  type SandboxCharge,
  type SandboxRefund,
  addCard,
  addRefund,
  behaviourOfToken,
  findRefund,
  lockCharge,
  lockDispute,
  refundedOf,
  setCharge,
  setDispute,
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
import { announce, closeDispute, promise, settle, webhookKey } from "./sandbox-bank.ts";
import { SIGNATURE_HEADER, checkSignature } from "./signature.ts";

const NAME = "sandbox";

/**
 * A gateway without a bank: it does what its test cards say (domain/sandbox.ts), keeps all it did in its own tables and
 * transactions, and tells of it by signed webhooks over HTTP, as a gateway elsewhere would.
 */
export function sandboxGateway(kit: Kit): Gateway {
  const inOne = <T>(work: (tx: Queryable) => Promise<T>): Promise<T> =>
    kit.database.transaction(work);
  const fingerprintKey = kit.secret("card fingerprints of the gateway sandbox");
  return {
    name: NAME,
    async tokenize({ number, cvc, ...expiry }) {
      const { name } = testCard(number, cvc);
      checkExpiry(expiry, kit.clock.nowMs());
      const token = newId("tok");
      await addCard(kit.database, { token, behaviour: name, nowMs: kit.clock.nowMs() });
      const fingerprint = createHmac("sha256", fingerprintKey).update(number).digest("hex");
      return { token, brand: brandOf(number), last4: number.slice(-4), ...expiry, fingerprint };
    },
    async charge(request) {
      const charge = await inOne((tx) => chargeOnce(kit, tx, request));
      // Done, and the answer lost on its way: the next call with this key gets it.
      if (charge.calls === 1 && behaviourOf(charge.behaviour).losesFirstResponse)
        throw new OutcomeUnknown(NAME);
      return outcomeOf(charge);
    },
    confirm: ({ chargeId }) => inOne((tx) => confirm(kit, tx, chargeId)),
    cancel: ({ chargeId }) => inOne((tx) => cancel(kit, tx, chargeId)),
    refund: (request) => inOne((tx) => refundOnce(kit, tx, request)),
    submitEvidence: ({ disputeId, text }) =>
      inOne(async (tx) => {
        const dispute = await lockDispute(tx, disputeId);
        if (dispute?.status !== "open") return;
        await setDispute(tx, { ...dispute, evidence: text });
        const outcome = decisionOf(text);
        if (outcome)
          await closeDispute(kit, tx, { dispute: { ...dispute, evidence: text }, outcome });
        else await promise(kit, tx, { what: "decision", id: disputeId, waitMs: LATER_MS.decision });
      }),
    acceptDispute: ({ disputeId }) =>
      inOne(async (tx) => {
        const dispute = await lockDispute(tx, disputeId);
        if (dispute) await closeDispute(kit, tx, { dispute, outcome: "lost" });
      }),
    readEvent({ body, header }) {
      const signature = header(SIGNATURE_HEADER);
      checkSignature(webhookKey(kit), { body, signature }, kit.clock.nowMs());
      const event = GatewayEvent.safeParse(parseJson(body.toString()));
      if (event.success) return event.data;
      throw new AppError("bad_request", "The body is signed, but no event that is known here.");
    },
  };
}

async function chargeOnce(kit: Kit, tx: Queryable, request: ChargeRequest): Promise<SandboxCharge> {
  const behaviour = await behaviourOfToken(tx, request.token);
  if (behaviour === undefined) throw new Error("the sandbox does not know this card");
  const charge = await upsertCharge(tx, {
    ...request,
    behaviour,
    status: "processing",
    reason: null,
    nowMs: kit.clock.nowMs(),
  });
  if (charge.amount !== request.amount || charge.reference !== request.reference) {
    throw new Error(`the key ${request.key} was used for another charge`);
  }
  if (charge.calls > 1) return charge;
  const { charge: does, reason = null } = behaviourOf(behaviour);
  switch (does) {
    case "succeeds":
      return settled(kit, tx, { ...charge, status: "succeeded" });
    case "fails":
      return settled(kit, tx, { ...charge, status: "failed", reason });
    case "answers_late":
      await promise(kit, tx, { what: "answer", id: charge.id, waitMs: LATER_MS.answer });
      return charge;
    case "needs_authentication":
      return asked(kit, tx, charge);
  }
}

async function settled(kit: Kit, tx: Queryable, charge: SandboxCharge): Promise<SandboxCharge> {
  await settle(kit, tx, charge);
  return charge;
}

async function asked(kit: Kit, tx: Queryable, charge: SandboxCharge): Promise<SandboxCharge> {
  const waiting: SandboxCharge = { ...charge, status: "requires_action" };
  await setCharge(tx, waiting);
  const data = { charge: { id: charge.id, reference: charge.reference } };
  await announce(kit, tx, { type: "charge.requires_action", data });
  return waiting;
}

async function confirm(kit: Kit, tx: Queryable, chargeId: string): Promise<ChargeOutcome> {
  const charge = await lockCharge(tx, { id: chargeId });
  if (!charge) throw new Error(`the sandbox has no charge ${chargeId}`);
  if (charge.status !== "requires_action") return outcomeOf(charge);
  const { confirm: does, reason = null } = behaviourOf(charge.behaviour);
  const status = does === "succeeds" ? "succeeded" : "failed";
  return outcomeOf(
    await settled(kit, tx, { ...charge, status, reason: does === "succeeds" ? null : reason }),
  );
}

async function cancel(kit: Kit, tx: Queryable, chargeId: string): Promise<ChargeOutcome> {
  const charge = await lockCharge(tx, { id: chargeId });
  if (!charge) throw new Error(`the sandbox has no charge ${chargeId}`);
  if (charge.status !== "requires_action") return outcomeOf(charge);
  const reason = "authentication_not_given";
  return outcomeOf(await settled(kit, tx, { ...charge, status: "failed", reason }));
}

function outcomeOf({ id, status, reason }: SandboxCharge): ChargeOutcome {
  if (status !== "failed" && status !== "reversed") return { status, chargeId: id };
  return { status: "failed", chargeId: id, reason: reason ?? "declined" };
}

async function refundOnce(kit: Kit, tx: Queryable, request: RefundRequest): Promise<RefundOutcome> {
  const charge = await lockCharge(tx, { id: request.chargeId });
  if (!charge) throw new Error(`the sandbox has no charge ${request.chargeId}`);
  const before = await findRefund(tx, { key: request.key });
  if (before) return refundOutcome(before);
  const left = charge.amount - (await refundedOf(tx, charge.id));
  const refused = charge.status !== "succeeded" || request.amount > left;
  const later = behaviourOf(charge.behaviour).refund !== undefined;
  const refund = await addRefund(tx, {
    key: request.key,
    reference: request.reference,
    charge_id: charge.id,
    amount: request.amount,
    status: refused ? "failed" : later ? "pending" : "succeeded",
    reason: refused ? "more_than_is_left" : null,
    nowMs: kit.clock.nowMs(),
  });
  if (refund.status === "pending") {
    await promise(kit, tx, { what: "refund", id: refund.id, waitMs: LATER_MS.refund });
  }
  return refundOutcome(refund);
}

const refundOutcome = ({ id, status, reason }: SandboxRefund): RefundOutcome =>
  status === "failed"
    ? { status, refundId: id, reason: reason ?? "refused" }
    : { status, refundId: id };

function testCard(number: string, cvc: string): { name: string } {
  if (!passesLuhn(number))
    throw wrong("number", "this is no card number: its check digit is wrong");
  const card = findTestCard(number);
  if (!card) throw wrong("number", "the sandbox takes its test cards only: they are at /docs");
  const digits = brandOf(number) === "amex" ? 4 : 3;
  if (cvc.length !== digits) throw wrong("cvc", `give the ${digits} digits of this card`);
  return card;
}

function checkExpiry({ expMonth, expYear }: { expMonth: number; expYear: number }, nowMs: number) {
  // A card is good to the end of its month, wherever on earth that is.
  if (Date.UTC(expYear, expMonth, 2) <= nowMs) throw wrong("expYear", "this card has expired");
}

const wrong = (field: string, message: string): AppError =>
  new AppError("unprocessable", `card.${field}: ${message}.`, {
    fields: [{ path: `body.card.${field}`, code: "invalid_card", message }],
  });
