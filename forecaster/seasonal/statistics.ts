/** The median absolute deviation of a normal distribution, times this, is its standard deviation. */
export const MAD_TO_SIGMA = 1.4826;

/** NaN for no values. Does not modify its argument. */
export function median(values: ArrayLike<number>): number {
  return quantile(Float64Array.from(values).toSorted(), 0.5);
}

/** The quantile of sorted values, interpolated linearly; NaN for no values. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const n = sorted.length;
  if (n === 0) return NaN;
  const at = (n - 1) * share;
  const below = Math.floor(at);
  const lower = sorted[below]!;
  return lower + (sorted[Math.min(below + 1, n - 1)]! - lower) * (at - below);
}
