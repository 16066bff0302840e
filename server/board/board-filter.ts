import { explain, type Subject, can } from "#access/policy.ts";
import { type Filter, leavesOf, type TimeRange } from "#pipeline/filter.ts";
import { DATASET, INSTANCE, ROUTE, STATUS } from "#pipeline/measures/split-fields.ts";
import type { MetricReader } from "#pipeline/store/port.ts";
import { AppError } from "#platform/errors.ts";

import { queryIn } from "./board-query.ts";

/**
 * Fields whose values the board shows to everybody who may see it. Filters and break-downs by any other field would
 * reveal values of raw events.
 */
const SHOWN_FIELDS: readonly string[] = [DATASET, STATUS, ROUTE, INSTANCE];

/** More events than this are not read for one board. */
const EVENTS_MAX = 5_000_000;
const BOARD_MS_MAX = 20_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const fieldsOf = (where: Filter, by: string | undefined): string[] => [
  ...leavesOf(where).map(({ field }) => field),
  ...(by === undefined ? [] : [by]),
];

/** @throws AppError forbidden unless the member may see raw events, or all fields are shown on every board */
export function checkMaySplit(subject: Subject, where: Filter, by: string | undefined): void {
  const raw = fieldsOf(where, by).find((field) => !SHOWN_FIELDS.includes(field));
  if (raw === undefined || can(subject, "view", "events:all")) return;
  const what = raw === "*" ? "a search for words" : `the field ${raw}`;
  const { reason } = explain(subject, "view", "events:all");
  throw new AppError(
    "forbidden",
    `${what} would show values of single events: ${reason} Without it, boards can be filtered and broken down by ${SHOWN_FIELDS.join(", ")}.`,
  );
}

type Reading = { store: MetricReader; dataset: string | undefined; range: TimeRange };

/** @throws AppError bad_request if too many events would have to be read, which are counted from the rollups */
export async function checkSize(
  { store, dataset, range }: Reading,
  where: Filter,
  by: string | undefined,
): Promise<void> {
  if (fieldsOf(where, by).every((field) => field === DATASET)) return;
  const query = queryIn({ store, dataset, range, where: [] });
  const answers = await Promise.all([query("requests"), query("events")]);
  const events = answers.reduce((sum, { series }) => sum + (series[0]?.value ?? 0), 0);
  if (events <= EVENTS_MAX) return;
  const spanMs = ((range.toMs - range.fromMs) * EVENTS_MAX) / events;
  const span =
    spanMs >= 2 * HOUR_MS
      ? `${Math.floor(spanMs / HOUR_MS)} hours`
      : `${Math.max(1, Math.floor(spanMs / MINUTE_MS))} minutes`;
  throw new AppError(
    "bad_request",
    `the range is too long for a filter or a break-down: ${events.toLocaleString("en")} events would have to be read, at most ${EVENTS_MAX.toLocaleString("en")} are. Choose a range of about ${span}.`,
  );
}

/** Ends a board that reads events when it takes too long. */
export async function withinDeadline<T>(
  signal: AbortSignal,
  load: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = AbortSignal.timeout(BOARD_MS_MAX);
  try {
    return await load(AbortSignal.any([signal, deadline]));
  } catch (error) {
    if (!deadline.aborted) throw error;
    throw new AppError(
      "bad_request",
      `the filtered board took longer than ${BOARD_MS_MAX / 1000} s, so it was ended: choose a shorter range`,
      { cause: error },
    );
  }
}
