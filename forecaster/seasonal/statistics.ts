/** The median; NaN of nothing. Does not change its argument. */
export function median(values: ArrayLike<number>): number {
  return quantile(Float64Array.from(values).toSorted(), 0.5);
}

/** The quantile of already sorted values, linear between neighbours; NaN of nothing. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const n = sorted.length;
  if (n === 0) return NaN;
  const at = (n - 1) * share;
  const below = Math.floor(at);
  const lower = sorted[below]!;
  return lower + (sorted[Math.min(below + 1, n - 1)]! - lower) * (at - below);
}

/**
 * The standard normal quantile, to about 5e-4 (Abramowitz & Stegun 26.2.23): enough for the least width
 * of an interval.
 */
export function normalQuantile(share: number): number {
  if (share < 0.5) return -normalQuantile(1 - share);
  const t = Math.sqrt(-2 * Math.log(Math.max(1 - share, 1e-300)));
  const above = 2.515517 + t * (0.802853 + t * 0.010328);
  return t - above / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
}
