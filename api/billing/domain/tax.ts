import { BASIS_POINTS, type Money, divide, basisPointsOf } from "./money.ts";

/** Basis points (1900 = 19 %); `inclusive`: amounts include the tax, else it is added. */
export type TaxRate = { basisPoints: number; inclusive: boolean };

/** The rate for countries without a configured one. */
export const NO_TAX: TaxRate = { basisPoints: 0, inclusive: false };

/** The tax on an amount after discounts. */
export const taxOf = (amount: bigint, { basisPoints, inclusive }: TaxRate): Money =>
  inclusive
    ? divide(amount * BigInt(basisPoints), BASIS_POINTS + BigInt(basisPoints))
    : basisPointsOf(amount, basisPoints);
