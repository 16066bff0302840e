import { newestMs, oldestMs, type Segment } from "./segment-footer.ts";

/** Files are merged up to this size; the cells, because merging takes memory for each of them. */
const SIZE_MAX: Size = { rows: 1_000_000, cells: 1_000_000, bytes: 256 * 1024 * 1024 };
/** Files of this share of the maximum are not merged any further. */
const ENOUGH = 0.5;
/** This many segments of similar size become one of the next size, so a row is written at most about six times. */
const FAN_IN = 8;
/** Maximum number of inputs of a merge: after existing files were read there are many small segments. */
const INPUTS_MAX = 64;

/**
 * The segments to merge next; undefined if no merge is worthwhile. Segments are merged by size tiers, like
 * log-structured merge trees (O'Neil et al., "The log-structured merge-tree", 1996), and with their neighbours in time,
 * so that a query over an hour reads few files.
 */
export function planCompaction(segments: readonly Segment[]): Segment[] | undefined {
  const tiers = new Map<number, Segment[]>();
  for (const segment of segments) {
    if (isMergedFully(segment)) continue;
    const tier = tierOf(segment);
    tiers.set(tier, [...(tiers.get(tier) ?? []), segment]);
  }
  for (const [, tier] of [...tiers].toSorted(([a], [b]) => a - b)) {
    const run = runOf(tier.toSorted(byTime));
    if (run) return run;
  }
  return undefined;
}

/** Whether the segment is large enough to remain as it is. */
export const isMergedFully = (segment: Segment): boolean => isLarger(sizeOf([segment]), ENOUGH);

type Size = { rows: number; cells: number; bytes: number };

function sizeOf(segments: readonly Segment[]): Size {
  const size = { rows: 0, cells: 0, bytes: 0 };
  for (const { rows, cells, bytes } of segments) {
    size.rows += rows;
    size.cells += cells?.rows ?? 0;
    size.bytes += bytes;
  }
  return size;
}

function isLarger({ rows, cells, bytes }: Size, share: number): boolean {
  return (
    rows > SIZE_MAX.rows * share || cells > SIZE_MAX.cells * share || bytes > SIZE_MAX.bytes * share
  );
}

function tierOf({ rows }: Segment): number {
  return Math.floor(Math.log(Math.max(rows, 1)) / Math.log(FAN_IN));
}

function byTime(a: Segment, b: Segment): number {
  const [first, second] = [timeOf(a), timeOf(b)];
  if (first !== second) return first - second;
  return a.id < b.id ? -1 : 1;
}

/** Segments without events come last. */
function timeOf(segment: Segment): number {
  return segment.extents.length === 0 ? Number.MAX_VALUE : oldestMs(segment) + newestMs(segment);
}

/** The first run of neighbours that is long enough or fills a file. */
function runOf(sorted: readonly Segment[]): Segment[] | undefined {
  let run: Segment[] = [];
  for (const segment of sorted) {
    if (run.length === INPUTS_MAX || isLarger(sizeOf([...run, segment]), 1)) {
      if (run.length > 1) return run;
      run = [];
    }
    run.push(segment);
  }
  return run.length >= FAN_IN ? run : undefined;
}
