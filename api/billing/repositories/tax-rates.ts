import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";

import { NO_TAX, type TaxRate } from "../domain/tax.ts";
import { parseRows } from "./rows.ts";

const TaxRateRow = z
  .object({
    country: z.string(),
    name: z.string(),
    rate_bp: z.number(),
    inclusive: z.boolean(),
    version: z.number(),
  })
  .transform(({ rate_bp: basisPoints, ...row }) => ({ ...row, basisPoints }));
export type CountryTaxRate = z.output<typeof TaxRateRow>;
const COLUMNS = "country, name, rate_bp, inclusive, version";

/** @returns undefined where none is kept for the country */
export async function findTaxRate(
  db: Queryable,
  country: string,
): Promise<CountryTaxRate | undefined> {
  const rows = await db.query(`SELECT ${COLUMNS} FROM tax_rates WHERE country = $1`, [country]);
  return parseRows(TaxRateRow, rows)[0];
}

/** What an invoice of today is taxed by. */
export async function taxRateFor(db: Queryable, country: string): Promise<TaxRate> {
  const found = await findTaxRate(db, country);
  return found === undefined
    ? NO_TAX
    : { basisPoints: found.basisPoints, inclusive: found.inclusive };
}

/**
 * Sets the rate of a country, in the version that it is expected to have.
 * @returns undefined where it has another by now
 */
export async function putTaxRate(
  tx: Queryable,
  it: Omit<CountryTaxRate, "version">,
  expected: number | undefined,
): Promise<CountryTaxRate | undefined> {
  const rows = await tx.query(
    `INSERT INTO tax_rates AS t (country, name, rate_bp, inclusive) VALUES ($1, $2, $3, $4)
     ON CONFLICT (country) DO UPDATE SET name = $2, rate_bp = $3, inclusive = $4, version = t.version + 1
       WHERE $5::bigint IS NULL OR t.version = $5 RETURNING ${COLUMNS}`,
    [it.country, it.name, it.basisPoints, it.inclusive, expected ?? null],
  );
  return parseRows(TaxRateRow, rows)[0];
}

export async function listTaxRates(db: Queryable): Promise<CountryTaxRate[]> {
  return parseRows(TaxRateRow, await db.query(`SELECT ${COLUMNS} FROM tax_rates ORDER BY country`));
}
