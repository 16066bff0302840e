import { TIERS } from "#collectors/format.ts";
import { findFormat } from "#collectors/formats/index.ts";
import type { TimeRange } from "#pipeline/filter.ts";
import { QUARANTINE_DATASET } from "#pipeline/ingest/quarantine.ts";
import { isPlausible } from "#pipeline/metrics/main-extents.ts";
import type { Extent } from "#pipeline/store/port.ts";

const FRESH_MS = 15 * 60_000;

/**
 * The dataset to show: the requested one, otherwise the outermost tier among the freshest. A request passes through
 * several tiers, and each of them logs it.
 */
export function chooseDataset(
  extents: readonly Extent[],
  { requested, nowMs }: { requested: string | undefined; nowMs: number },
): Extent | undefined {
  const found = extents.find(({ dataset }) => dataset === requested);
  if (found || requested !== undefined) return found;
  const candidates = believed(extents, nowMs).filter(({ dataset }) => mayHoldRequests(dataset));
  const newest = Math.max(...candidates.map(({ toMs }) => toMs));
  const fresh = candidates.filter(({ toMs }) => newest - toMs < FRESH_MS);
  return fresh.toSorted((a, b) => rank(a) - rank(b) || b.rows - a.rows)[0] ?? extents[0];
}

/** The extents that are not ahead of the clock; all if all are. */
function believed(extents: readonly Extent[], nowMs: number): readonly Extent[] {
  const past = extents.filter((extent) => isPlausible(extent, nowMs));
  return past.length > 0 ? past : extents;
}

/** The time of all datasets. */
export function rangeOfAll(extents: readonly Extent[], nowMs: number): TimeRange | undefined {
  if (extents.length === 0) return undefined;
  const all = believed(extents, nowMs);
  return {
    fromMs: Math.min(...all.map(({ fromMs }) => fromMs)),
    toMs: Math.max(...all.map(({ toMs }) => toMs)),
  };
}

function mayHoldRequests(dataset: string): boolean {
  return dataset !== QUARANTINE_DATASET && findFormat(dataset)?.requests !== "none";
}

/** Tiers from the outermost to the innermost, then datasets of unknown tier. */
function rank({ dataset }: Extent): number {
  const requests = findFormat(dataset)?.requests;
  const index = TIERS.findIndex((tier) => tier === requests);
  return index < 0 ? TIERS.length : index;
}

export type BoardRange = { fromMs: number; toMs: number; live: boolean };

const MINUTE_MS = 60_000;
const LIVE_MS = 60 * MINUTE_MS;

/** The initial range: the last hour if data is coming in, otherwise the whole range of the data in whole minutes. */
export function defaultRange(extent: TimeRange | undefined, nowMs: number): BoardRange {
  if (!extent || (isPlausible(extent, nowMs) && nowMs - extent.toMs < FRESH_MS)) {
    // Starts at a whole minute, because minutes are in the rollup.
    const fromMs = Math.floor((nowMs - LIVE_MS) / MINUTE_MS) * MINUTE_MS;
    return { fromMs, toMs: nowMs, live: true };
  }
  const fromMs = Math.floor(extent.fromMs / MINUTE_MS) * MINUTE_MS;
  return { fromMs, toMs: (Math.floor(extent.toMs / MINUTE_MS) + 1) * MINUTE_MS, live: false };
}
