import { z } from "zod";

import type { Filter, TimeRange } from "../filter.ts";

/** A query of a metric, from boards, the terminal, rules and the forecaster alike. */
export type MetricQuery = TimeRange & {
  metric: string;
  where: Filter;
  /** Step between points. Undefined: one value for the whole range. */
  stepMs?: number;
  by?: { field: string; limit: number };
  /** In which times without events count as 0. Default: from the oldest to the newest event. */
  measured?: TimeRange;
};

/** A point of a series: start of its step, and the value; null if nothing was measured. */
export const Point = z.tuple([z.number(), z.number().nullable()]);

export const MetricAnswer = z.object({
  metric: z.string(),
  unit: z.enum(["1/s", "ms", "ratio", "count", "bytes"]),
  fromMs: z.number(),
  toMs: z.number(),
  stepMs: z.number().nullable(),
  /** The source of the values. */
  from: z.enum(["rollup", "raw", "forecast"]),
  /**
   * One series, or one per value of the `by` field, largest first. `value` covers the whole range. The last one may be
   * `(other)`: what is not counted by name, because there are very many names.
   */
  series: z.array(
    z.object({ key: z.string().nullable(), value: z.number().nullable(), points: z.array(Point) }),
  ),
  /** For a split: the number of other values that have a series. Absent if there are none. */
  more: z.object({ series: z.int(), precision: z.enum(["exact", "about", "at_least"]) }).optional(),
  /** For a split: the maximum by which a count of each series is too small. Absent if all are exact. */
  shortfallMax: z.number().optional(),
});
export type MetricAnswer = z.infer<typeof MetricAnswer>;
