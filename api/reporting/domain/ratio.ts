const DIGITS = 6;

/**
 * `part / whole` as decimal text with `digits` digits after the point, rounded half away from zero; null when `whole`
 * is 0. Integer arithmetic, so that money is exact.
 */
export function ratio(part: bigint, whole: bigint, digits: number = DIGITS): string | null {
  if (whole === 0n) return null;
  const negative = part < 0n !== whole < 0n;
  const scaled = abs(part) * 10n ** BigInt(digits);
  const divisor = abs(whole);
  const rounded = (scaled * 2n + divisor) / (divisor * 2n);
  const text = rounded.toString().padStart(digits + 1, "0");
  const number = digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`;
  return negative && rounded !== 0n ? `-${number}` : number;
}

const abs = (it: bigint): bigint => (it < 0n ? -it : it);
