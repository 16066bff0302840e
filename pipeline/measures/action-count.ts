import type { Batch } from "#collectors/batch.ts";

import { Sums } from "../fold/cells.ts";
import { EntryValues } from "../fold/entry-values.ts";
import { LiveCounts } from "../fold/live-parts.ts";
import { liveCounts } from "../live/second-counts.ts";
import { BOTH_LEVELS, type Measure, type RowFold } from "./measure.ts";
import { is } from "./raw-filters.ts";
import { addValue, countOf, Sum } from "./sum.ts";

const ACTION = "event.action";

/** Counts the events of an action. `cells` is the name of its rollup cells. */
export function actionCount(
  name: string,
  { action, cells, metrics }: { action: string; cells: string } & Pick<Measure<Sum>, "metrics">,
): Measure<Sum> {
  return {
    name,
    open: () => new Sum(),
    cells: [{ measure: cells, levels: BOTH_LEVELS, add: addValue }],
    raw: () => [countOf([is(ACTION, action)])],
    folds: [(batch) => foldAction(batch, { name, action, cells })],
    live: liveCounts,
    metrics,
  };
}

function foldAction(
  batch: Batch,
  { name, action, cells }: { name: string; action: string; cells: string },
): RowFold {
  const sums = new Sums();
  const live = new LiveCounts();
  const matches = new EntryValues(batch, ACTION, (column, id) =>
    column.text(id) === action ? 1 : 0,
  );
  return {
    name,
    prepare: () => matches.prepare(),
    add({ first, requests, requestCount, others, otherCount, minutes }) {
      if (matches.isEmpty) return;
      for (let i = 0; i < requestCount; i += 1) {
        const offset = requests[i]!;
        if (matches.at(first + offset) === 1) sums.add(minutes[offset]!, 1);
      }
      for (let i = 0; i < otherCount; i += 1) {
        const offset = others[i]!;
        if (matches.at(first + offset) === 1) sums.add(minutes[offset]!, 1);
      }
    },
    addLive({ first, liveRequests, liveRequestCount, liveOthers, liveOtherCount, liveSlots }) {
      if (matches.isEmpty) return;
      for (let i = 0; i < liveRequestCount; i += 1) {
        const offset = liveRequests[i]!;
        if (matches.at(first + offset) === 1) live.add(liveSlots[offset]!, 1);
      }
      for (let i = 0; i < liveOtherCount; i += 1) {
        const offset = liveOthers[i]!;
        if (matches.at(first + offset) === 1) live.add(liveSlots[offset]!, 1);
      }
    },
    takeCells: (spans) => sums.take(spans, cells),
    takeLive: (slots) => live.take(slots),
    reset: () => matches.reset(),
  };
}
