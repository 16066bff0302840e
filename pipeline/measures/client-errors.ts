import type { Batch } from "#collectors/batch.ts";

import { LiveCounts } from "../fold/live-parts.ts";
import { liveCounts } from "../live/second-counts.ts";
import { type Measure, metric, ratio, type RowFold } from "./measure.ts";
import { CLIENT_ERROR_STATUS_MIN, ERROR_STATUS_MIN, isClientError } from "./request.ts";
import { requests, STATUS_CELLS } from "./requests.ts";
import { ROUTE_CELLS, statusClassOf } from "./routes.ts";
import { STATUS } from "./split-fields.ts";
import { addValue, countOf, Sum, ZERO_RULE } from "./sum.ts";

export const clientErrors: Measure<Sum> = {
  name: "client_errors",
  open: () => new Sum(),
  cells: [
    {
      ...STATUS_CELLS,
      add(into, cell) {
        if (isClientError(Number(cell.key))) addValue(into, cell);
      },
    },
    {
      ...ROUTE_CELLS,
      add(into, cell) {
        if (isClientError(statusClassOf(cell.key) * 100)) addValue(into, cell);
      },
    },
  ],
  raw: () => [
    countOf([
      { field: STATUS, op: "gte", value: CLIENT_ERROR_STATUS_MIN },
      { field: STATUS, op: "lt", value: ERROR_STATUS_MIN },
    ]),
  ],
  folds: [foldClientErrors],
  live: liveCounts,
  metrics: () => [
    metric({
      name: "client_errors",
      title: "Client errors",
      unit: "count",
      meaning: `Requests that were answered with a status from 400 to 499. ${ZERO_RULE}`,
      of: [clientErrors],
      value: ([{ value }]) => value,
    }),
    metric({
      name: "client_error_ratio",
      title: "Client error ratio",
      unit: "ratio",
      meaning:
        "Requests answered with a status from 400 to 499, divided by all requests. No value without requests.",
      of: [clientErrors, requests],
      value: ([part, whole]) => ratio(part.value, whole.value),
    }),
  ],
};

/** For live frames only: they are read from the cells of requests by status. */
function foldClientErrors(_batch: Batch): RowFold {
  const live = new LiveCounts();
  return {
    name: clientErrors.name,
    addLive({ liveRequests, liveRequestCount, liveSlots, statuses }) {
      for (let i = 0; i < liveRequestCount; i += 1) {
        const offset = liveRequests[i]!;
        if (isClientError(statuses[offset]!)) live.add(liveSlots[offset]!, 1);
      }
    },
    takeLive: (slots) => live.take(slots),
  };
}
