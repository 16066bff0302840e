import type { Batch } from "#collectors/batch.ts";

import { KeyedCounts } from "../fold/cells.ts";
import { LiveCounts } from "../fold/live-parts.ts";
import { NO_STATUS } from "../fold/row-block.ts";
import { liveCounts } from "../live/second-counts.ts";
import { instanceAggregates, INSTANCE_CELLS } from "./instances.ts";
import { BOTH_LEVELS, type Measure, metric, type RowFold } from "./measure.ts";
import { requestFilters } from "./raw-filters.ts";
import { foldRoutes, ROUTE_CELLS } from "./routes.ts";
import { INSTANCE, STATUS } from "./split-fields.ts";
import { addValue, countOf, Sum, ZERO_RULE } from "./sum.ts";

/** Requests by status code; the key of an unknown status is empty. */
export const STATUS_CELLS = { measure: "requests", field: STATUS, levels: BOTH_LEVELS };

/** Created once, because these are the most frequent keys. */
const STATUS_KEYS = Array.from({ length: NO_STATUS + 1 }, (_, status) =>
  status === NO_STATUS ? "" : String(status),
);
const REQUEST =
  "A request is an event with a response status, or a line of an access log of a web server or proxy, except HAProxy's connections and own messages.";

export const requests: Measure<Sum> = {
  name: "requests",
  open: () => new Sum(),
  cells: [
    { ...STATUS_CELLS, add: addValue },
    { ...ROUTE_CELLS, add: addValue },
    { ...INSTANCE_CELLS, add: addValue },
  ],
  raw: (datasets, by) =>
    by === INSTANCE
      ? instanceAggregates(datasets, addValue)
      : requestFilters(datasets).map((where) => countOf(where)),
  folds: [foldStatuses, foldRoutes],
  live: liveCounts,
  metrics: () => [
    metric({
      name: "requests_per_second",
      title: "Requests per second",
      unit: "1/s",
      meaning: `Requests divided by the seconds of the step that lie in the range and in the minutes from the oldest to the newest event; nothing where that is less than half of a step, unless all that was measured is less than a step. ${REQUEST} ${ZERO_RULE}`,
      of: [requests],
      value: ([{ value }], seconds) => value / seconds,
    }),
    metric({
      name: "requests",
      title: "Requests",
      unit: "count",
      meaning: `${REQUEST} ${ZERO_RULE}`,
      of: [requests],
      value: ([{ value }]) => value,
    }),
  ],
};

function foldStatuses(_batch: Batch): RowFold {
  const counts = new KeyedCounts();
  const live = new LiveCounts();
  return {
    name: requests.name,
    add({ requests: rows, requestCount, minutes, statuses }) {
      for (let i = 0; i < requestCount; i += 1) {
        const offset = rows[i]!;
        counts.add(minutes[offset]!, statuses[offset]!, 1);
      }
    },
    addLive({ liveRequests, liveRequestCount, liveSlots }) {
      for (let i = 0; i < liveRequestCount; i += 1) live.add(liveSlots[liveRequests[i]!]!, 1);
    },
    takeCells: (spans) => counts.take(spans, STATUS_CELLS.measure, (key) => STATUS_KEYS[key]!),
    takeLive: (slots) => live.take(slots),
  };
}
