import { createHash } from "node:crypto";

import { z } from "zod";

import type { Forecast, Series } from "./forecast.ts";
import type { SeriesKey } from "./predicted-series.ts";

const Numbers = z.array(z.number());

/** A forecast as it is kept: what was expected of a series from `startMs` on, from the data before that. */
const StoredForecast = z.object({
  model: z.string(),
  startMs: z.number(),
  stepMs: z.number(),
  mean: Numbers,
  intervals: z.array(z.object({ level: z.number(), lower: Numbers, upper: Numbers })),
  sum: z.object({
    mean: z.number(),
    intervals: z.array(z.object({ level: z.number(), lower: z.number(), upper: z.number() })),
  }),
  score: z.object({
    origins: z.number(),
    mase: z.number().nullable(),
    coverage: z.array(z.object({ level: z.number(), ratio: z.number() })),
  }),
}) satisfies z.ZodType<Forecast>;

/** `history` is the fingerprint of the values that the forecast was made from. */
export const StoredIssue = z.object({ history: z.string(), forecast: StoredForecast });

/** One forecast of one series, issued at the end of its history, which is `forecast.startMs`. */
export type ForecastIssue = z.infer<typeof StoredIssue> & { series: SeriesKey };

/** Equal for equal histories: a forecast whose history has changed since must be made again. */
export function fingerprintOf({ startMs, stepMs, values }: Series): string {
  const numbers = Float64Array.from(values, (value) => value ?? Number.NaN);
  return createHash("sha1").update(`${startMs} ${stepMs} `).update(numbers).digest("base64url");
}
