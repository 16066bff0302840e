/**
 * The heaviest of many items in bounded memory, whatever their order: a Misra–Gries summary (Misra, Gries: "Finding
 * repeated elements", Science of Computer Programming 2, 1982) of at most `itemsMax` items. What it removes from their
 * counts is kept as the count of OTHER, so that totals stay exact.
 *
 * Each step removes the same amount d from all items, of which at least itemsMax + 1 had d or more, so OTHER grows by
 * (itemsMax + 1) × d or more. Therefore, after any number of steps, and also for sums of several summaries (Agarwal,
 * Cormode, Huang, Phillips, Wei, Yi: "Mergeable summaries", PODS 2012):
 * - the count of an item is never too large, and too small by at most `shortfallMax(other, itemsMax)`;
 * - of N events, an item with more than N / (itemsMax + 1) is never missing;
 * - without a count of OTHER all counts are exact.
 */
export const OTHER = "(other)";

/** The maximum by which the count of an item is too small. */
export const shortfallMax = (other: number, itemsMax: number): number =>
  Math.floor(other / (itemsMax + 1));

/**
 * One step: the part of each count that stays with its item; the rest belongs to OTHER. An item may have several
 * counts, such as one for each status.
 */
export function keptCounts(
  items: ArrayLike<number>,
  counts: ArrayLike<number>,
  itemsMax: number,
): Float64Array {
  const kept = Float64Array.from(counts);
  const totals = new Map<number, number>();
  for (let i = 0; i < kept.length; i += 1) {
    const item = items[i] ?? 0;
    totals.set(item, (totals.get(item) ?? 0) + (kept[i] ?? 0));
  }
  if (totals.size <= itemsMax) return kept;
  const removed =
    Float64Array.from(totals.values())
      .toSorted()
      .at(-1 - itemsMax) ?? 0;
  const open = new Map<number, number>();
  for (let i = 0; i < kept.length; i += 1) {
    const item = items[i] ?? 0;
    const left = open.get(item) ?? removed;
    const count = kept[i] ?? 0;
    const taken = Math.min(left, count);
    open.set(item, left - taken);
    kept[i] = count - taken;
  }
  return kept;
}
