import type { Batch } from "#collectors/batch.ts";

import { KeyedCounts } from "../fold/cells.ts";
import { EntryValues } from "../fold/entry-values.ts";
import { LiveTable } from "../fold/live-parts.ts";
import { NameTable, shortName } from "../fold/names.ts";
import { MINUTE_WINDOW_S } from "../live/live-part.ts";
import { INSTANCES_WINDOW, NameSet, RecentNames } from "../live/recent-names.ts";
import { BOTH_LEVELS, type Measure, metric, type RawAggregate, type RowFold } from "./measure.ts";
import { has, lacks, requestFilters } from "./raw-filters.ts";
import { INSTANCE_FIELDS, instanceName } from "./request.ts";
import { INSTANCE } from "./split-fields.ts";

const INSTANCES_MAX = 1000;
const NAME_BYTES_MAX = 160;

/** Requests by the instance that served them. */
export const INSTANCE_CELLS = { measure: "instance", field: INSTANCE, levels: BOTH_LEVELS };

export const instances: Measure<NameSet> = {
  name: "instances",
  open: () => new NameSet(),
  cells: [
    {
      measure: "instance",
      levels: BOTH_LEVELS,
      add: (into, { key, value }) => into.add(key, value),
    },
  ],
  raw: (datasets) =>
    instanceAggregates<NameSet>(datasets, (into, { by, value }) => {
      if (by) into.add(by, value);
    }),
  folds: [foldInstances],
  live: () => new RecentNames(),
  metrics: () => [
    metric({
      name: "instances_running",
      title: "Instances running",
      unit: "count",
      meaning:
        "Different instances that answered a request: the node of the service, otherwise the server of HAProxy, otherwise the last upstream of nginx. No value if the logs have no instances.",
      of: [instances],
      value: ([{ size }]) => (size > 0 ? size : null),
    }),
  ],
};

/** Requests split by instance: `by` of each row is the name of an instance. */
export function instanceAggregates<T>(
  datasets: readonly string[],
  add: RawAggregate<T>["add"],
): RawAggregate<T>[] {
  return requestFilters(datasets).flatMap((where) =>
    INSTANCE_FIELDS.map((field, i): RawAggregate<T> => ({
      aggregate: { kind: "count" },
      where: [...where, ...INSTANCE_FIELDS.slice(0, i).map(lacks), has(field)],
      by: { field, limit: INSTANCES_MAX },
      add: (into, row) => add(into, { ...row, by: instanceName(row.by ?? "") }),
    })),
  );
}

function foldInstances(batch: Batch): RowFold {
  const counts = new KeyedCounts();
  const live = new LiveTable();
  const names = new NameTable();
  const fields = INSTANCE_FIELDS.map(
    (field) =>
      new EntryValues(batch, field, (column, id) =>
        names.number(shortName(instanceName(column.text(id)), NAME_BYTES_MAX)),
      ),
  );
  let used: EntryValues[] = [];
  const instanceAt = (row: number): number => {
    for (let i = 0; i < used.length; i += 1) {
      const instance = used[i]!.at(row);
      if (instance !== 0) return instance;
    }
    return 0;
  };
  return {
    name: instances.name,
    prepare() {
      for (const field of fields) field.prepare();
      used = fields.filter((field) => !field.isEmpty);
    },
    add({ first, requests, requestCount, minutes }) {
      if (used.length === 0) return;
      for (let i = 0; i < requestCount; i += 1) {
        const offset = requests[i]!;
        const instance = instanceAt(first + offset);
        if (instance !== 0) counts.add(minutes[offset]!, instance, 1);
      }
    },
    addLive({ first, liveRequests, liveRequestCount, liveSlots, seconds }, nowS) {
      for (let i = 0; i < liveRequestCount; i += 1) {
        const offset = liveRequests[i]!;
        if (seconds[offset]! < nowS - MINUTE_WINDOW_S) continue;
        const instance = instanceAt(first + offset);
        if (instance !== 0) live.add(liveSlots[offset]!, instance, 1);
      }
    },
    takeCells: (spans) => counts.take(spans, INSTANCE_CELLS.measure, (key) => names.name(key)),
    takeLive: (slots) =>
      live.take(slots, {
        nameOf: (number) => names.name(number),
        codesPerName: 1,
        window: INSTANCES_WINDOW,
      }),
    reset() {
      for (const field of fields) field.reset();
      names.clear();
    },
  };
}
