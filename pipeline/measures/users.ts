import type { Batch } from "#collectors/batch.ts";

import { Sketches } from "../fold/cells.ts";
import { EntryValues, hashOf } from "../fold/entry-values.ts";
import { LiveTable } from "../fold/live-parts.ts";
import { BLOCK_ROWS } from "../fold/row-block.ts";
import { FIVE_MINUTES_S } from "../live/live-part.ts";
import { VisitorGranules, Visitors } from "../live/visitors.ts";
import { DistinctSketch } from "../sketches/distinct-sketch.ts";
import { combinedHash } from "../sketches/stable-hash.ts";
import { BOTH_LEVELS, type Measure, metric, type RawAggregate, type RowFold } from "./measure.ts";
import { has, lacks, requestFilters } from "./raw-filters.ts";

/** A visitor is identified by the first of these fields that the event has, otherwise by address and user agent. */
const VISITOR_FIELDS = ["user.id", "user.name", "session.id"] as const;
const VISITOR_FALLBACK = ["source.address", "user_agent.original"] as const;

export const users: Measure<Visitors> = {
  name: "users",
  open: () => new Visitors(),
  cells: [
    {
      measure: "users",
      levels: BOTH_LEVELS,
      add(into, { sketches }) {
        for (const sketch of sketches) into.sketch.mergeBytes(sketch);
      },
    },
  ],
  raw: rawVisitors,
  folds: [foldVisitors],
  live: () => new VisitorGranules(),
  windowMs: FIVE_MINUTES_S * 1000,
  metrics: () => [
    metric({
      name: "users_connected",
      title: "Users connected",
      unit: "count",
      meaning:
        "Different visitors who sent a request in the five minutes up to the end of the step; for steps of five minutes or more, within the step; without a step, within the range. In whole minutes. A visitor is a user id, else a user name, else a session id, else an address together with a user agent. Exact up to 256, then within some 2 % (a sketch); with a filter by anything but the dataset, the visitors of all events of the step that match.",
      of: [users],
      value: ([visitors]) => visitors.size,
    }),
  ],
};

const addCounted: RawAggregate<Visitors>["add"] = (into, { value }) => {
  into.counted += value;
};

/**
 * Visitors by identifying field: each kind is counted separately. A visitor may match several of the request
 * filters, so with more than one filter, all events with a visitor are counted.
 */
function rawVisitors(datasets: readonly string[]): RawAggregate<Visitors>[] {
  const filters = requestFilters(datasets);
  const [only = []] = filters.length === 1 ? filters : [];
  const named = VISITOR_FIELDS.map((field, i): RawAggregate<Visitors> => {
    const where = [...only, ...VISITOR_FIELDS.slice(0, i).map(lacks), has(field)];
    return { aggregate: { kind: "distinct", fields: [field] }, where, add: addCounted };
  });
  const nameless = [...only, ...VISITOR_FIELDS.map(lacks), has(VISITOR_FALLBACK[0])];
  return [
    ...named,
    { aggregate: { kind: "distinct", fields: VISITOR_FALLBACK }, where: nameless, add: addCounted },
  ];
}

function foldVisitors(batch: Batch): RowFold {
  const sketches = new Sketches(() => new DistinctSketch());
  const live = new LiveTable();
  /** Visitors, by the offset of the row in the block. */
  const visitors = new Uint32Array(BLOCK_ROWS);
  const names = VISITOR_FIELDS.map((field) => new EntryValues(batch, field, hashOf));
  const [addresses, agents] = VISITOR_FALLBACK.map(
    (field) => new EntryValues(batch, field, hashOf),
  );
  const entries = [...names, addresses!, agents!];
  const visitorAt = (row: number): number => {
    for (let i = 0; i < names.length; i += 1) {
      const hash = names[i]!.at(row);
      if (hash !== 0) return combinedHash(i + 1, hash) || 1;
    }
    const address = addresses!.at(row);
    return address === 0 ? 0 : combinedHash(address, agents!.at(row)) || 1;
  };
  return {
    name: users.name,
    prepare() {
      for (const entry of entries) entry.prepare();
    },
    add({ first, requests, requestCount, minutes }) {
      for (let i = 0; i < requestCount; i += 1) {
        const offset = requests[i]!;
        const visitor = visitorAt(first + offset);
        visitors[offset] = visitor;
        if (visitor !== 0) sketches.at(minutes[offset]!).add(visitor);
      }
    },
    addLive({ liveRequests, liveRequestCount, liveSlots, seconds }, nowS) {
      for (let i = 0; i < liveRequestCount; i += 1) {
        const offset = liveRequests[i]!;
        const visitor = visitors[offset]!;
        if (seconds[offset]! < nowS - FIVE_MINUTES_S) continue;
        if (visitor !== 0) live.add(liveSlots[offset]!, visitor, 1);
      }
    },
    takeCells: (spans) => sketches.take(spans, "users"),
    takeLive: (slots) => live.take(slots),
    reset() {
      for (const entry of entries) entry.reset();
    },
  };
}
