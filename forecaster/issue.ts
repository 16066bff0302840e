import { createHash } from "node:crypto";

import { z } from "zod";

import type { Forecast, Series } from "./forecast.ts";
import type { SeriesKey } from "./predicted-series.ts";

const Numbers = z.array(z.number());

/** The stored form of a forecast. */
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

/** `history` is the fingerprint of the values from which the forecast was computed. */
export const StoredIssue = z.object({ history: z.string(), forecast: StoredForecast });

/** One forecast of one series, issued at `forecast.startMs`, the end of its history. */
export type ForecastIssue = z.infer<typeof StoredIssue> & { series: SeriesKey };

/** To be increased with changes of the models: forecasts issued by the earlier ones are then computed again. */
const MODELS_VERSION = 2;

/** Detects a history that has changed since a forecast was issued: the forecast is then computed again. */
export function fingerprintOf({ startMs, stepMs, values }: Series): string {
  const numbers = Float64Array.from(values, (value) => value ?? Number.NaN);
  return createHash("sha1")
    .update(`${MODELS_VERSION} ${startMs} ${stepMs} `)
    .update(numbers)
    .digest("base64url");
}
