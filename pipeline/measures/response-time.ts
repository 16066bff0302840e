import type { Batch } from "#collectors/batch.ts";

import { KeyedCounts } from "../fold/cells.ts";
import { LiveTable } from "../fold/live-parts.ts";
import { LatencySeconds } from "../live/latency-seconds.ts";
import { MINUTE_WINDOW_S } from "../live/live-part.ts";
import {
  BUCKET_MIN,
  BUCKETS,
  LatencySketch,
  NO_BUCKET,
  valueOf,
} from "../sketches/latency-sketch.ts";
import {
  BOTH_LEVELS,
  type MeasuredMetric,
  type Measure,
  metric,
  ratio,
  type RowFold,
} from "./measure.ts";
import { requestFilters } from "./raw-filters.ts";

const DURATION = "event.duration";
const BUCKET_KEYS = Array.from({ length: BUCKETS }, (_, index) => String(index + BUCKET_MIN));
const APDEX_SATISFIED_MS = 500;
const APDEX_TOLERATED_MS = 4 * APDEX_SATISFIED_MS;

/** Requests with a known response time, by bucket. */
export const responseTime: Measure<LatencySketch> = {
  name: "response_time",
  open: () => new LatencySketch(),
  cells: [
    {
      measure: "latency",
      levels: BOTH_LEVELS,
      add: (into, { key, value }) => into.addBucket(Number(key), value),
    },
  ],
  raw: (datasets) =>
    requestFilters(datasets).map((where) => ({
      aggregate: { kind: "latency", field: DURATION },
      where: [...where, { field: DURATION, op: "gte", value: 0 }],
      add(into, { bucket, value }) {
        if (bucket !== null) into.addBucket(bucket, value);
      },
    })),
  folds: [foldLatency],
  live: () => new LatencySeconds(),
  metrics: () => [
    percentile(50),
    percentile(95),
    percentile(99),
    metric({
      name: "apdex",
      title: "Apdex",
      unit: "ratio",
      meaning:
        "Requests answered within 500 ms, plus half of those answered within 2 s, divided by all requests with a known duration (Apdex with T = 500 ms). The limits are accurate within 2 %.",
      of: [responseTime],
      value: ([latency]) => apdex(latency),
    }),
  ],
};

function percentile(percent: 50 | 95 | 99): MeasuredMetric {
  const share = percent === 50 ? "Half of all requests were" : `${percent} % of all requests were`;
  return metric({
    name: `response_time_p${percent}`,
    title: `Response time p${percent}`,
    unit: "ms",
    meaning: `${share} answered at least this fast, within 2 %. For requests with a duration in the log. Histograms are merged before the quantile is computed; quantiles are never averaged.`,
    of: [responseTime],
    value: ([latency]) => latency.quantile(percent / 100),
  });
}

function apdex(latency: LatencySketch): number | null {
  let score = 0;
  for (const [bucket, count] of latency.buckets()) {
    const ms = valueOf(bucket);
    if (ms <= APDEX_SATISFIED_MS) score += count;
    else if (ms <= APDEX_TOLERATED_MS) score += count / 2;
  }
  return ratio(score, latency.size);
}

function foldLatency(_batch: Batch): RowFold {
  const counts = new KeyedCounts();
  const live = new LiveTable();
  return {
    name: responseTime.name,
    add({ requests, requestCount, minutes, buckets }) {
      for (let i = 0; i < requestCount; i += 1) {
        const offset = requests[i]!;
        const bucket = buckets[offset]!;
        if (bucket !== NO_BUCKET) counts.add(minutes[offset]!, bucket - BUCKET_MIN, 1);
      }
    },
    addLive({ liveRequests, liveRequestCount, liveSlots, seconds, buckets }, nowS) {
      for (let i = 0; i < liveRequestCount; i += 1) {
        const offset = liveRequests[i]!;
        const bucket = buckets[offset]!;
        if (bucket === NO_BUCKET || seconds[offset]! < nowS - MINUTE_WINDOW_S) continue;
        live.add(liveSlots[offset]!, bucket - BUCKET_MIN, 1);
      }
    },
    takeCells: (spans) => counts.take(spans, "latency", (key) => BUCKET_KEYS[key]!),
    takeLive: (slots) => live.take(slots),
  };
}
