import type { Batch } from "#collectors/batch.ts";

import { KeyedCounts } from "../fold/cells.ts";
import { idsOf } from "../fold/entry-values.ts";
import { nameIn } from "../fold/names.ts";
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
  let levels: Uint32Array = new Uint32Array();
  const levelOf = (key: number): string => (key === 0 ? "" : nameIn(batch.text(LEVEL), key));
  return {
    name: events.name,
    prepare() {
      levels = idsOf(batch, LEVEL);
    },
    add({ first, others, otherCount, minutes }) {
      for (let i = 0; i < otherCount; i += 1) {
        const offset = others[i]!;
        const level = levels.length === 0 ? 0 : levels[first + offset]!;
        counts.add(minutes[offset]!, level, 1);
      }
    },
    takeCells: (spans) => counts.take(spans, "events", levelOf),
  };
}
