import type { Extent } from "#pipeline/store/port.ts";

const SHOWN_MAX = 200;

/**
 * The datasets to list: those with the most events, the requested one, and those with the oldest and the newest event,
 * so that the list covers the time of all data.
 */
export function shownDatasets(extents: readonly Extent[], requested: string | undefined): Extent[] {
  if (extents.length <= SHOWN_MAX) return [...extents];
  const largest = extents.toSorted((a, b) => b.rows - a.rows).slice(0, SHOWN_MAX);
  const oldestMs = Math.min(...extents.map(({ fromMs }) => fromMs));
  const newestMs = Math.max(...extents.map(({ toMs }) => toMs));
  const shown = new Set(largest);
  for (const isShown of [
    ({ dataset }: Extent) => dataset === requested,
    ({ fromMs }: Extent) => fromMs === oldestMs,
    ({ toMs }: Extent) => toMs === newestMs,
  ]) {
    const extent = extents.find(isShown);
    if (extent) shown.add(extent);
  }
  return extents.filter((extent) => shown.has(extent));
}
