import type { Batch } from "#collectors/batch.ts";

import { KeyedCounts } from "../fold/cells.ts";
import { EntryValues } from "../fold/entry-values.ts";
import { NameTable } from "../fold/names.ts";
import { BOTH_LEVELS, type Measure, metric, type RowFold } from "./measure.ts";
import { otherFilters } from "./raw-filters.ts";
import { LEVEL } from "./split-fields.ts";
import { addValue, countOf, Sum, ZERO_RULE } from "./sum.ts";

/** Events that are not requests, by log level; the key of an unknown level is empty. */
export const events: Measure<Sum> = {
  name: "events",
  open: () => new Sum(),
  cells: [{ measure: "events", field: LEVEL, levels: BOTH_LEVELS, add: addValue }],
  raw: (datasets) => otherFilters(datasets).map((where) => countOf(where)),
  folds: [foldLevels],
  metrics: () => [
    metric({
      name: "events",
      title: "Log events",
      unit: "count",
      meaning: `Events that are not requests, such as the lines of an error log. ${ZERO_RULE}`,
      of: [events],
      value: ([{ value }]) => value,
    }),
  ],
};

function foldLevels(batch: Batch): RowFold {
  const counts = new KeyedCounts();
  const names = new NameTable();
  const levels = new EntryValues(batch, LEVEL, (column, id) => names.number(column.text(id)));
  return {
    name: events.name,
    prepare: () => levels.prepare(),
    add({ first, others, otherCount, minutes }) {
      for (let i = 0; i < otherCount; i += 1) {
        const offset = others[i]!;
        counts.add(minutes[offset]!, levels.at(first + offset), 1);
      }
    },
    takeCells: (spans) => counts.take(spans, "events", (key) => names.name(key)),
    reset() {
      levels.reset();
      names.clear();
    },
  };
}
