import { BASIS_POINTS, type Money, divide, basisPointsOf } from "./money.ts";

/** Basis points (1900 = 19 %); inclusive: amounts have the tax in them, else it comes on top. */
export type TaxRate = { basisPoints: number; inclusive: boolean };

/** Where no rate is kept for a country. */
export const NO_TAX: TaxRate = { basisPoints: 0, inclusive: false };

/** The tax on, or in, an amount after discounts. */
export const taxOf = (amount: bigint, { basisPoints, inclusive }: TaxRate): Money =>
  inclusive
    ? divide(amount * BigInt(basisPoints), BASIS_POINTS + BigInt(basisPoints))
    : basisPointsOf(amount, basisPoints);
