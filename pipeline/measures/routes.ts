import type { Batch } from "#collectors/batch.ts";

import { KeyedCounts } from "../fold/cells.ts";
import { EntryValues } from "../fold/entry-values.ts";
import { LiveTable } from "../fold/live-parts.ts";
import { NAMES_MAX, NameTable } from "../fold/names.ts";
import { NO_BUCKET, NO_STATUS } from "../fold/row-block.ts";
import { VISITORS_WINDOW_S } from "../live/live-part.ts";
import { ROUTE_ERROR_UNIT, ROUTE_NAME_UNIT } from "../live/top-routes.ts";
import { BUCKET_MIN } from "../sketches/latency-sketch.ts";
import { HOURS_ONLY, type RowFold } from "./measure.ts";
import { isError } from "./request.ts";
import { ROUTE } from "./split-fields.ts";

/** Name of the live part: see `TopRoutes`. */
export const ROUTES = "routes";

/** Requests by class of status and route, `2xx /a/{id}`; class 0 is an unknown status. */
export const ROUTE_CELLS = {
  measure: "route",
  field: ROUTE,
  levels: HOURS_ONLY,
  fieldValue: (key: string): string => key.slice(4),
};

/** Class of the statuses that a key of ROUTE_CELLS counts. */
export const statusClassOf = (key: string): number => Number(key.slice(0, 1));

/** Folds requests by route into hours, and into the live frames' busiest routes. */
export function foldRoutes(batch: Batch): RowFold {
  const counts = new KeyedCounts();
  const live = new LiveTable();
  const names = new NameTable();
  const routes = new EntryValues(batch, ROUTE, (column, id) => names.number(column.text(id)));
  return {
    name: ROUTES,
    prepare: () => routes.prepare(),
    add({ first, requests, requestCount, hours, statuses }) {
      if (routes.isEmpty) return;
      for (let i = 0; i < requestCount; i += 1) {
        const offset = requests[i]!;
        const route = routes.at(first + offset);
        if (route === 0) continue;
        const status = statuses[offset]!;
        const statusClass = status === NO_STATUS ? 0 : Math.floor(status / 100);
        counts.add(hours[offset]!, statusClass * NAMES_MAX + route, 1);
      }
    },
    addLive({ first, liveRequests, liveRequestCount, ...block }, nowS) {
      for (let i = 0; i < liveRequestCount; i += 1) {
        const offset = liveRequests[i]!;
        const route = routes.at(first + offset);
        if (route === 0 || block.seconds[offset]! < nowS - VISITORS_WINDOW_S) continue;
        const bucket = block.buckets[offset]!;
        const error = isError(block.statuses[offset]!) ? ROUTE_ERROR_UNIT : 0;
        const latency = bucket === NO_BUCKET ? 0 : bucket - BUCKET_MIN + 1;
        live.add(block.liveSlots[offset]!, route * ROUTE_NAME_UNIT + error + latency, 1);
      }
    },
    takeCells: (spans) =>
      counts.take(
        spans,
        ROUTE_CELLS.measure,
        (key) => `${Math.floor(key / NAMES_MAX)}xx ${names.name(key % NAMES_MAX)}`,
      ),
    takeLive: (slots) => live.take(slots, { names, unit: ROUTE_NAME_UNIT }),
    reset() {
      routes.reset();
      names.clear();
    },
  };
}
