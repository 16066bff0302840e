import { AppError } from "#platform/errors.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import { findMethodOf } from "../repositories/payment-methods.ts";

/** @throws AppError unprocessable unless the payment method belongs to the customer */
export async function checkPaymentMethod(
  tx: Queryable,
  customerId: string,
  paymentMethodId: string | undefined,
): Promise<void> {
  if (paymentMethodId === undefined) return;
  const found = await findMethodOf(tx, customerId, paymentMethodId);
  if (found !== undefined) return;
  const message = "the customer has no such payment method: add it first";
  throw new AppError("unprocessable", `paymentMethodId: ${message}.`, {
    fields: [{ path: "body.paymentMethodId", code: "unknown", message }],
  });
}
