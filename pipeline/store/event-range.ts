import { leavesOf, type StoreFilter, type TimeRange } from "../filter.ts";
import type { Work } from "./duck.ts";
import { timeSql } from "./filter-sql.ts";
import { haveNumberLists } from "./number-lists.ts";
import { eventsWithLinesSql } from "./rebuilt-line-sql.ts";
import { newestMs, oldestMs, type Segment } from "./segment-footer.ts";

/** Reads of at most about this many events, without a search in their texts, do not wait for searches. */
const QUICK_ROWS_MAX = 200_000;
const LARGE_ROWS_MIN = 500_000;

export type EventsRequest = TimeRange & { where: StoreFilter };

/** Whether the segment may have events of the range and, if the filter has one, of the dataset. */
export function overlaps(segment: Segment, range: EventsRequest): boolean {
  const dataset = datasetOf(range.where);
  return segment.extents.some(
    (extent) =>
      extent.fromMs < range.toMs &&
      extent.toMs >= range.fromMs &&
      (dataset === undefined || extent.dataset === dataset),
  );
}

/** The events of a range, as parts of a query. `isLarge`: there are so many that reading takes longer than planning. */
export type RangeSql = {
  from: string;
  where: string;
  isLarge: boolean;
  /** Whether a number may be one of a list. */
  hasNumberLists: boolean;
};
type Files = { schema: string; pathOf: (segment: Segment) => string };

/**
 * Files that are wholly within the range are read without a condition if they have many events: comparing their times would
 * take longer than counting them.
 */
export function rangeSql(
  range: TimeRange,
  segments: readonly Segment[],
  { schema, pathOf }: Files,
): RangeSql {
  const filesOf = (some: readonly Segment[]): string =>
    eventsWithLinesSql([schema, ...some.map(pathOf)]);
  const hasNumberLists = haveNumberLists(segments);
  const isLarge = rowsOf(segments, range) >= LARGE_ROWS_MIN;
  const whole = segments.filter((segment) => isLarge && isWithin(segment, range));
  if (whole.length === 0) {
    return { from: filesOf(segments), where: timeSql(range), isLarge, hasNumberLists };
  }
  const others = segments.filter((segment) => !whole.includes(segment));
  if (others.length === 0) {
    return { from: filesOf(whole), where: "TRUE", isLarge, hasNumberLists };
  }
  const from = `(SELECT * FROM ${filesOf(whole)} UNION ALL BY NAME
    SELECT * FROM ${filesOf(others)} WHERE ${timeSql(range)})`;
  return { from, where: "TRUE", isLarge, hasNumberLists };
}

/** Rows without a time are in no range, and in no extent. */
function isWithin(segment: Segment, { fromMs, toMs }: TimeRange): boolean {
  const timed = segment.extents.reduce((sum, { rows }) => sum + rows, 0);
  return timed === segment.rows && oldestMs(segment) >= fromMs && newestMs(segment) < toMs;
}

const TEXT_SEARCHES: readonly string[] = ["contains", "like", "not_like", "cidr"];

export function workOf(request: EventsRequest, segments: readonly Segment[]): Work {
  const isTextSearch = leavesOf(request.where).some(({ op }) => TEXT_SEARCHES.includes(op));
  return isTextSearch || rowsOf(segments, request) > QUICK_ROWS_MAX ? "searches" : "quick";
}

const rowsOf = (segments: readonly Segment[], range: TimeRange): number =>
  segments.reduce((sum, segment) => sum + rowsIn(segment, range), 0);

/** About the number of rows of a segment in a range, if they are spread evenly over its time. */
function rowsIn(segment: Segment, { fromMs, toMs }: TimeRange): number {
  const rows = segment.extents.map((extent) => {
    const lengthMs = extent.toMs - extent.fromMs + 1;
    const sharedMs = Math.min(extent.toMs + 1, toMs) - Math.max(extent.fromMs, fromMs);
    return (extent.rows * Math.max(0, sharedMs)) / lengthMs;
  });
  return rows.reduce((sum, count) => sum + count, 0);
}

function datasetOf(where: StoreFilter): string | undefined {
  for (const condition of where) {
    if (condition.op === "eq" && condition.field === "data_stream.dataset") {
      return String(condition.value);
    }
  }
  return undefined;
}
