import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";
import { type RowOf, table } from "#platform/postgres/table.ts";

import { NO_TAX, type TaxRate } from "../domain/tax.ts";

const taxRates = table("tax_rates", {
  country: z.string(),
  name: z.string(),
  basisPoints: z.number().meta({ column: "rate_bp" }),
  inclusive: z.boolean(),
  version: z.number(),
});
export type CountryTaxRate = RowOf<typeof taxRates>;

export const findTaxRate = (db: Queryable, country: string): Promise<CountryTaxRate | undefined> =>
  taxRates.find(db, { country });

/** The rate for new invoices of customers in a country. */
export async function taxRateFor(db: Queryable, country: string): Promise<TaxRate> {
  const found = await findTaxRate(db, country);
  return found ? { basisPoints: found.basisPoints, inclusive: found.inclusive } : NO_TAX;
}

/** Sets the rate of a country. @returns undefined if it does not have the `expected` version */
export async function putTaxRate(
  tx: Queryable,
  it: Omit<CountryTaxRate, "version">,
  expected: number | undefined,
): Promise<CountryTaxRate | undefined> {
  const rows = await tx.query(
    `INSERT INTO tax_rates AS t (country, name, rate_bp, inclusive) VALUES ($1, $2, $3, $4)
     ON CONFLICT (country) DO UPDATE SET name = $2, rate_bp = $3, inclusive = $4, version = t.version + 1
       WHERE $5::bigint IS NULL OR t.version = $5 RETURNING ${taxRates.columns}`,
    [it.country, it.name, it.basisPoints, it.inclusive, expected ?? null],
  );
  return taxRates.parse(rows)[0];
}

export async function listTaxRates(db: Queryable): Promise<CountryTaxRate[]> {
  const rows = await db.query(`SELECT ${taxRates.columns} FROM tax_rates ORDER BY country`);
  return taxRates.parse(rows);
}
