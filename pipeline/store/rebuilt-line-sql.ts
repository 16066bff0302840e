import { LINE_LAYOUT } from "#collectors/line-layout.ts";

import { eventFilesSql, identifier } from "./duck.ts";

/** Whether the event's line is not stored, because its fields give it back. */
export const IS_REBUILT_SQL = `${identifier(LINE_LAYOUT)} IS NOT NULL`;

/** In `eventsWithLinesSql`, the text of `event.original` that is stored. */
export const STORED_LINE = "stored_line";

const ZONE = `right(${identifier(LINE_LAYOUT)}, 5)`;
const OFFSET_MINUTES = `(CAST(substr(${ZONE}, 2, 2) AS BIGINT) * 60 + CAST(right(${ZONE}, 2) AS BIGINT))
  * (CASE WHEN starts_with(${ZONE}, '-') THEN -1 ELSE 1 END)`;
const LOCAL_TIME = `make_timestamp((epoch_ms("@timestamp") + ${OFFSET_MINUTES} * 60000) * 1000)`;
const orDash = (value: string): string => `coalesce(CAST(${value} AS VARCHAR), '-')`;

/** The line of an event that has a layout, from its fields; the layouts are those of `LineForm`. */
export const REBUILT_LINE_SQL = `concat("source.address", ' - ', ${orDash('"user.name"')},
  strftime(${LOCAL_TIME}, ' [%d/%b/%Y:%H:%M:%S '), ${ZONE}, '] "', "http.request.method", ' ', "url.original",
  ' HTTP/', "http.version", '" ', "http.response.status_code", ' ', ${orDash('"http.response.body.bytes"')},
  CASE WHEN starts_with(${identifier(LINE_LAYOUT)}, 'combined') THEN
    concat(' "', ${orDash('"http.request.referrer"')}, '" "', ${orDash('"user_agent.original"')}, '"') END)`;

const LINE = `CASE WHEN ${IS_REBUILT_SQL} THEN ${REBUILT_LINE_SQL} ELSE "event.original" END`;

/**
 * The rows of event files, of which the first one has every column, with `event.original` of all events. DuckDB makes the lines
 * only for rows, and in statements, that need them.
 */
export function eventsWithLinesSql(paths: readonly string[]): string {
  return `(SELECT * REPLACE (${LINE} AS "event.original"), "event.original" AS ${STORED_LINE}, file_index, file_row_number
    FROM ${eventFilesSql(paths)})`;
}
