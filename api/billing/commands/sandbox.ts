import { AppError } from "#platform/errors.ts";

import { closeDispute, openDispute, reverseCharge } from "../gateway/sandbox-bank.ts";
import { noDispute, readDispute } from "../repositories/disputes.ts";
import { noPayment } from "../repositories/payments.ts";
import { disputedOf, lockCharge, lockDispute } from "../repositories/sandbox.ts";
import type { CommandContext } from "./context.ts";

/** Decides a dispute as the bank would; Billing is notified by webhook. */
export async function settleSandboxDispute(
  { kit, tx }: CommandContext,
  id: string,
  outcome: "won" | "lost",
): Promise<void> {
  const { gatewayDisputeId } = await readDispute(tx, id);
  const dispute = await lockDispute(tx, gatewayDisputeId);
  if (!dispute) throw noDispute(id);
  if (await closeDispute(kit, tx, { dispute, outcome })) return;
  throw new AppError("conflict", `The bank has already decided this dispute: ${dispute.status}.`);
}

/** Disputes a payment as its card holder would; by default all that is not disputed yet. */
export async function disputeSandboxPayment(
  { kit, tx }: CommandContext,
  paymentId: string,
  request: { amount: bigint | undefined; reason: string },
): Promise<void> {
  const charge = await lockCharge(tx, { reference: paymentId });
  if (!charge) throw noPayment(paymentId);
  const left = charge.amount - (await disputedOf(tx, charge.id));
  const { reason, amount = left } = request;
  if (amount > left || left === 0n) {
    throw new AppError("conflict", `Only ${left} minor units of the charge can still be disputed.`);
  }
  if (await openDispute(kit, tx, { charge, amount, reason })) return;
  throw new AppError(
    "conflict",
    `The charge is ${charge.status}: only a charge that succeeded can be disputed.`,
  );
}

/** Reverses a payment as the bank would. */
export async function reverseSandboxPayment(
  { kit, tx }: CommandContext,
  paymentId: string,
): Promise<void> {
  const charge = await lockCharge(tx, { reference: paymentId });
  if (!charge) throw noPayment(paymentId);
  if (await reverseCharge(kit, tx, charge)) return;
  throw new AppError(
    "conflict",
    `The charge is ${charge.status}: only a charge that succeeded can be reversed.`,
  );
}
