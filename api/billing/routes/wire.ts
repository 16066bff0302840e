import { z } from "zod";

import type { AppError } from "#platform/errors.ts";
import { type Caller, holds, mayActFor } from "#platform/http/caller.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import { isCurrency } from "../domain/currencies.ts";
import { WIRE_MAX } from "../domain/money.ts";
import { readCustomer } from "../repositories/customers.ts";

const MINOR = "in minor units: 1234 is 12.34 EUR and 1234 JPY";

const amountFrom = (min: number): z.ZodInt =>
  z
    .int({ error: `give a whole number of minor units from ${min} to ${WIRE_MAX}` })
    .min(min)
    .max(WIRE_MAX)
    .describe(`An amount ${MINOR}`);
export const Amount = amountFrom(0);
export const PositiveAmount = amountFrom(1);
/** In responses: sums of several invoices, and amounts reported by a gateway, have no maximum. */
export const UnboundedAmount = z.int().min(0).describe(`An amount ${MINOR}`);
export const SignedAmount = z.int().describe(`An amount ${MINOR}; credits are negative`);

export const Currency = z
  .string()
  .regex(/^[A-Z]{3}$/, { error: "give an ISO 4217 code in capitals, such as EUR" })
  .refine(isCurrency, { error: "this is not a currency in use (ISO 4217)" })
  .meta({ example: "EUR" });
export const Country = z
  .string()
  .regex(/^[A-Z]{2}$/, { error: "give an ISO 3166 code in capitals, such as DE" })
  .meta({ example: "DE" });
export const BasisPoints = z
  .int()
  .min(0)
  .max(10_000)
  .describe("Hundredths of a percent: 1900 is 19 %");
export const Version = z.int().describe("Incremented by every change; the ETag");
export const Quantity = z.int().min(1).max(1_000_000);
export const Flag = z
  .enum(["true", "false"], { error: "give true or false" })
  .transform((it) => it === "true");
export const Moment = z.iso.datetime();

/** The account to which a caller's lists are limited; undefined with the permission for all. */
export const visibleAccountId = (caller: Caller, permission: string): string | undefined =>
  holds(caller, permission) ? undefined : caller.id;

/** Passes an object of a customer to its owner or a holder of the permission. @throws `otherwise` for anybody else */
export async function requireOwner<Owned extends { customerId: string }>(
  db: Queryable,
  owned: Owned,
  by: { caller: Caller; permission: string; otherwise: AppError },
): Promise<Owned> {
  const { accountId } = await readCustomer(db, owned.customerId);
  if (!mayActFor(by.caller, accountId, by.permission)) throw by.otherwise;
  return owned;
}
