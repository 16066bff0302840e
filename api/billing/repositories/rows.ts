import { z } from "zod";

import { money } from "../domain/money.ts";

/** A bigint column that the query casts to text: `amount::text`. */
export const MoneyText = z
  .string()
  .regex(/^-?\d+$/)
  .transform((it) => money(BigInt(it)));

/** A timestamptz column as epoch ms. */
export const TimeMs = z.date().transform((it) => it.getTime());

/** The rows as the schema says that they are. */
export const parseRows = <Schema extends z.ZodType>(
  schema: Schema,
  rows: readonly unknown[],
): z.output<Schema>[] => rows.map((row) => schema.parse(row));

/** `a, b::text AS b` of a list in which money is marked. */
export const columns = (plain: string, moneys: string): string =>
  [plain, ...moneys.split(" ").map((it) => `${it}::text AS ${it}`)].join(", ");
