import type { Batch } from "#collectors/batch.ts";

import { KeyedCounts } from "../fold/cells.ts";
import { EntryValues } from "../fold/entry-values.ts";
import { OTHER } from "../sketches/heavy-hitters.ts";
import {
  type Accumulator,
  BOTH_LEVELS,
  type Measure,
  metric,
  ratio,
  type RowFold,
} from "./measure.ts";
import { has, requestFilters } from "./raw-filters.ts";

const HANDLING = "varnish.handling";
const HANDLINGS_MAX = 1000;

/** Cache hits and misses. */
class CacheUse implements Accumulator {
  hits = 0;
  misses = 0;

  get size(): number {
    return this.hits + this.misses;
  }

  add(handling: string, requests: number): void {
    if (handling === "hit") this.hits += requests;
    if (handling === "miss") this.misses += requests;
  }

  merge(other: CacheUse): void {
    this.hits += other.hits;
    this.misses += other.misses;
  }
}

/** Requests by how the cache handled them: hit, miss, pass, … */
export const cache: Measure<CacheUse> = {
  name: "cache",
  open: () => new CacheUse(),
  cells: [
    { measure: "cache", levels: BOTH_LEVELS, add: (into, { key, value }) => into.add(key, value) },
  ],
  raw: (datasets) =>
    requestFilters(datasets).map((where) => ({
      aggregate: { kind: "count" },
      where: [...where, has(HANDLING)],
      by: { field: HANDLING, limit: HANDLINGS_MAX },
      add: (into, { by, value }) => into.add(by ?? "", value),
    })),
  folds: [foldHandling],
  metrics: () => [
    metric({
      name: "cache_hit_ratio",
      title: "Cache-hit ratio",
      unit: "ratio",
      meaning:
        "Hits divided by hits and misses. Requests that were passed or piped do not count, because they never come from the cache. No value if the logs have neither hits nor misses.",
      of: [cache],
      value: ([{ hits, misses }]) => ratio(hits, hits + misses),
    }),
  ],
};

/** Names in cells by number; 0 is a row without handling. Logs may have any number of other handlings. */
const HANDLINGS = ["", "hit", "miss", OTHER];

function numberOf(handling: string): number {
  const number = HANDLINGS.indexOf(handling);
  return number < 0 ? HANDLINGS.indexOf(OTHER) : number;
}

function foldHandling(batch: Batch): RowFold {
  const counts = new KeyedCounts();
  const handlings = new EntryValues(batch, HANDLING, (column, id) => numberOf(column.text(id)));
  return {
    name: cache.name,
    prepare: () => handlings.prepare(),
    add({ first, requests, requestCount, minutes }) {
      if (handlings.isEmpty) return;
      for (let i = 0; i < requestCount; i += 1) {
        const offset = requests[i]!;
        const handling = handlings.at(first + offset);
        if (handling !== 0) counts.add(minutes[offset]!, handling, 1);
      }
    },
    takeCells: (spans) => counts.take(spans, "cache", (key) => HANDLINGS[key]!),
    reset: () => handlings.reset(),
  };
}
