import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import type { PageOptions } from "#platform/postgres/table.ts";

import { type Money, money } from "../domain/money.ts";

const Units = z.string().regex(/^-?\d+$/);

/** A bigint column; read as text, as the driver turns bigint into a lossy number. */
export const units = z
  .codec(Units, z.bigint(), { decode: BigInt, encode: String })
  .meta({ cast: "text" });
export const moneyColumn = z
  .codec(Units, z.custom<Money>(), { decode: (it) => money(BigInt(it)), encode: String })
  .meta({ cast: "text" });

/** Condition of rows that belong to the customers of an account. */
export const OF_ACCOUNT = "customer_id IN (SELECT id FROM customers WHERE account_id = $)";

export type PageStart = Pick<PageOptions<unknown>, "limit" | "after" | "order">;

export const notFound = (what: string, id: string): AppError =>
  new AppError("not_found", `There is no ${what} ${id}.`);

/** @throws AppError not_found for undefined */
export function found<Row>(row: Row | undefined, what: string, id: string): Row {
  if (row === undefined) throw notFound(what, id);
  return row;
}
