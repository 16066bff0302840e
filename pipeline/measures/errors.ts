import type { Batch } from "#collectors/batch.ts";

import { LiveCounts } from "../fold/live-parts.ts";
import { liveCounts } from "../live/second-counts.ts";
import { type Measure, metric, ratio, type RowFold } from "./measure.ts";
import { ERROR_STATUS_MIN, isError, STATUS_END } from "./request.ts";
import { requests, STATUS_CELLS } from "./requests.ts";
import { ROUTE_CELLS, statusClassOf } from "./routes.ts";
import { STATUS } from "./split-fields.ts";
import { addValue, countOf, Sum, ZERO_RULE } from "./sum.ts";

export const errors: Measure<Sum> = {
  name: "errors",
  open: () => new Sum(),
  cells: [
    {
      ...STATUS_CELLS,
      add(into, cell) {
        if (Number(cell.key) >= ERROR_STATUS_MIN) addValue(into, cell);
      },
    },
    {
      ...ROUTE_CELLS,
      add(into, cell) {
        if (statusClassOf(cell.key) * 100 >= ERROR_STATUS_MIN) addValue(into, cell);
      },
    },
  ],
  raw: () => [
    countOf([
      { field: STATUS, op: "gte", value: ERROR_STATUS_MIN },
      { field: STATUS, op: "lt", value: STATUS_END },
    ]),
  ],
  folds: [foldErrors],
  live: liveCounts,
  metrics: () => [
    metric({
      name: "errors",
      title: "Errors",
      unit: "count",
      meaning: `Requests that were answered with a status of 500 or more. 4xx are client errors. ${ZERO_RULE}`,
      of: [errors],
      value: ([{ value }]) => value,
    }),
    metric({
      name: "error_ratio",
      title: "Error ratio",
      unit: "ratio",
      meaning:
        "Requests answered with a status of 500 or more, divided by all requests. 4xx do not count as errors. No value without requests.",
      of: [errors, requests],
      value: ([part, whole]) => ratio(part.value, whole.value),
    }),
  ],
};

/** For live frames only: errors are read from the cells of requests by status. */
function foldErrors(_batch: Batch): RowFold {
  const live = new LiveCounts();
  return {
    name: errors.name,
    addLive({ liveRequests, liveRequestCount, liveSlots, statuses }) {
      for (let i = 0; i < liveRequestCount; i += 1) {
        const offset = liveRequests[i]!;
        if (isError(statuses[offset]!)) live.add(liveSlots[offset]!, 1);
      }
    },
    takeLive: (slots) => live.take(slots),
  };
}
