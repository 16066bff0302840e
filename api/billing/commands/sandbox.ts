import { AppError } from "#platform/errors.ts";

import { closeDispute, openDispute, reverse } from "../gateway/sandbox-bank.ts";
import { noDispute, readDispute } from "../repositories/disputes.ts";
import { noPayment } from "../repositories/payments.ts";
import { disputedOf, lockCharge, lockDispute } from "../repositories/sandbox.ts";
import type { CommandContext } from "./context.ts";

/** Makes the bank of the sandbox decide a dispute; Billing hears of it by webhook. */
export async function settleSandboxDispute(
  { kit, tx }: CommandContext,
  id: string,
  outcome: "won" | "lost",
): Promise<void> {
  const { gatewayDisputeId } = await readDispute(tx, id);
  const dispute = await lockDispute(tx, gatewayDisputeId);
  if (!dispute) throw noDispute(id);
  if (await closeDispute(kit, tx, { dispute, outcome })) return;
  throw new AppError("conflict", `The bank has decided this dispute already: ${dispute.status}.`);
}

/** Makes somebody dispute a payment: all that is not disputed of it yet, where no amount is given. */
export async function disputeSandboxPayment(
  { kit, tx }: CommandContext,
  paymentId: string,
  asked: { amount: bigint | undefined; reason: string },
): Promise<void> {
  const charge = await lockCharge(tx, { reference: paymentId });
  if (!charge) throw noPayment(paymentId);
  const left = charge.amount - (await disputedOf(tx, charge.id));
  const { reason, amount = left } = asked;
  if (amount > left || left === 0n) {
    throw new AppError("conflict", `Only ${left} minor units of the charge can still be disputed.`);
  }
  if (await openDispute(kit, tx, { charge, amount, reason })) return;
  throw new AppError(
    "conflict",
    `The charge is ${charge.status}: only one that succeeded is disputed.`,
  );
}

/** Makes the bank take a payment back. */
export async function reverseSandboxPayment(
  { kit, tx }: CommandContext,
  paymentId: string,
): Promise<void> {
  const charge = await lockCharge(tx, { reference: paymentId });
  if (!charge) throw noPayment(paymentId);
  if (await reverse(kit, tx, charge)) return;
  throw new AppError(
    "conflict",
    `The charge is ${charge.status}: only one that succeeded is reversed.`,
  );
}
