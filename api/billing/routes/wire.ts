import { z } from "zod";

import { type Caller, holds } from "#platform/http/caller.ts";
import { decodeCursor } from "#platform/http/cursor.ts";

import { isCurrency } from "../domain/currencies.ts";
import { WIRE_MAX, toWire } from "../domain/money.ts";

/** What routes have in common: amounts, currencies, countries, moments, places in lists. */
const MINOR = "in minor units: 1234 is 12.34 EUR and 1234 JPY";

const amountFrom = (min: number): z.ZodInt =>
  z
    .int({ error: `give a whole number of minor units from ${min} to ${WIRE_MAX}` })
    .min(min)
    .max(WIRE_MAX)
    .describe(`An amount ${MINOR}`);
export const Amount = amountFrom(0);
export const PositiveAmount = amountFrom(1);
/** In answers: what adds up, of more than one invoice, or comes from a gateway. */
export const AddedAmount = z.int().min(0).describe(`An amount ${MINOR}`);
/** In answers: credits are negative. */
export const SignedAmount = z.int().describe(`An amount ${MINOR}; negative: given back`);

export const Currency = z
  .string()
  .regex(/^[A-Z]{3}$/, { error: "give an ISO 4217 code in capitals, such as EUR" })
  .refine(isCurrency, { error: "this is no currency in use (ISO 4217)" })
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
export const Version = z.int().describe("Counts what people change; the ETag");
export const Quantity = z.int().min(1).max(1_000_000);
export const Flag = z
  .enum(["true", "false"], { error: "give true or false" })
  .transform((it) => it === "true");
export const Moment = z.iso.datetime();

/** Money fields of a thing as numbers of its JSON. */
export const wires = <Name extends string>(
  it: Record<Name, bigint>,
  ...names: readonly Name[]
): Record<Name, number> => {
  const entries = names.map((name) => [name, toWire(it[name])]);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- exactly these names
  return Object.fromEntries(entries) as Record<Name, number>;
};

const LATEST_MS = Date.UTC(9999, 0);
const CreatedCursor = z.tuple([z.int().min(0).max(LATEST_MS), z.string().max(40)]);

/** Where a list that begins with the newest goes on. */
export const listFrom = (query: { limit: number; cursor?: string | undefined }) => ({
  limit: query.limit,
  after: decodeCursor(CreatedCursor, query.cursor) ?? ([LATEST_MS, ""] as const),
});

export const createdCursor = (it: { createdMs: number; id: string }): [number, string] => [
  it.createdMs,
  it.id,
];

/** Whose things a caller sees in lists: undefined is everybody's. */
export const visibleAccountId = (caller: Caller, permission: string): string | undefined =>
  holds(caller, permission) ? undefined : caller.id;
