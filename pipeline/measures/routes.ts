import type { Batch } from "#collectors/batch.ts";

import { KeyedCounts } from "../fold/cells.ts";
import { EntryValues } from "../fold/entry-values.ts";
import { LiveTable } from "../fold/live-parts.ts";
import { NameTable, TABLE_NAMES_MAX } from "../fold/names.ts";
import { NO_STATUS } from "../fold/row-block.ts";
import { FIVE_MINUTES_S } from "../live/live-part.ts";
import { CODES_PER_ROUTE, routeCode } from "../live/route-code.ts";
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

/** A key of the folded counts: status class and number of the route. */
const cellKey = (statusClass: number, route: number): number =>
  statusClass * TABLE_NAMES_MAX + route;

const cellKeyText = (key: number, names: NameTable): string =>
  `${Math.floor(key / TABLE_NAMES_MAX)}xx ${names.name(key % TABLE_NAMES_MAX)}`;

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
        counts.add(hours[offset]!, cellKey(statusClass, route), 1);
      }
    },
    addLive({ first, liveRequests, liveRequestCount, ...block }, nowS) {
      for (let i = 0; i < liveRequestCount; i += 1) {
        const offset = liveRequests[i]!;
        const route = routes.at(first + offset);
        if (route === 0 || block.seconds[offset]! < nowS - FIVE_MINUTES_S) continue;
        const code = routeCode(route, isError(block.statuses[offset]!), block.buckets[offset]!);
        live.add(block.liveSlots[offset]!, code, 1);
      }
    },
    takeCells: (spans) => counts.take(spans, ROUTE_CELLS.measure, (key) => cellKeyText(key, names)),
    takeLive: (slots) => live.take(slots, { names, codesPerName: CODES_PER_ROUTE }),
    reset() {
      routes.reset();
      names.clear();
    },
  };
}
