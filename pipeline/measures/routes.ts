import type { Batch } from "#collectors/batch.ts";

import { KeyedCounts } from "../fold/cells.ts";
import { idsOf } from "../fold/entry-values.ts";
import { LiveTable } from "../fold/live-parts.ts";
import { nameIn } from "../fold/names.ts";
import { NO_STATUS } from "../fold/row-block.ts";
import { FIVE_MINUTES_S } from "../live/live-part.ts";
import { CODES_PER_ROUTE, routeCode } from "../live/route-code.ts";
import { ROUTES_WINDOW } from "../live/top-routes.ts";
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

/** The status class of a key of ROUTE_CELLS. */
export const statusClassOf = (key: string): number => Number(key.slice(0, 1));

/** A key of the folded counts: number of the route and status class. */
const CLASSES = 16;
const cellKey = (statusClass: number, route: number): number => route * CLASSES + statusClass;

/**
 * Folds requests by route into hours, and into the live frames' busiest routes. A route's number is that of the column
 * of routes.
 */
export function foldRoutes(batch: Batch): RowFold {
  const counts = new KeyedCounts();
  const live = new LiveTable();
  let routes: Uint32Array = new Uint32Array();
  const nameOf = (route: number): string => nameIn(batch.text(ROUTE), route);
  return {
    name: ROUTES,
    prepare() {
      routes = idsOf(batch, ROUTE);
    },
    add({ first, requests, requestCount, hours, statuses }) {
      if (routes.length === 0) return;
      for (let i = 0; i < requestCount; i += 1) {
        const offset = requests[i]!;
        const route = routes[first + offset]!;
        if (route === 0) continue;
        const status = statuses[offset]!;
        const statusClass = status === NO_STATUS ? 0 : Math.floor(status / 100);
        counts.add(hours[offset]!, cellKey(statusClass, route), 1);
      }
    },
    addLive({ first, liveRequests, liveRequestCount, ...block }, nowS) {
      if (routes.length === 0) return;
      for (let i = 0; i < liveRequestCount; i += 1) {
        const offset = liveRequests[i]!;
        const route = routes[first + offset]!;
        if (route === 0 || block.seconds[offset]! < nowS - FIVE_MINUTES_S) continue;
        const code = routeCode(route, isError(block.statuses[offset]!), block.buckets[offset]!);
        live.add(block.liveSlots[offset]!, code, 1);
      }
    },
    takeCells: (spans) =>
      counts.take(
        spans,
        ROUTE_CELLS.measure,
        (key) => `${key % CLASSES}xx ${nameOf(Math.floor(key / CLASSES))}`,
      ),
    takeLive: (slots) =>
      live.take(slots, { nameOf, codesPerName: CODES_PER_ROUTE, window: ROUTES_WINDOW }),
  };
}
