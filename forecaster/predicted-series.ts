import type { PredictedMetric } from "#pipeline/metrics/catalogue.ts";

export type PredictedCount = PredictedMetric["predicts"]["count"];

/** The rollup measures that hold the history of the predicted counts. */
export const MEASURE_OF = {
  requests: "requests",
  sign_ins: "sign-in",
  sign_outs: "sign-out",
} as const satisfies Record<PredictedCount, string>;

export const PREDICTED_COUNTS: readonly PredictedCount[] = ["requests", "sign_ins", "sign_outs"];

/** Which series a forecast is of: one count of one dataset. */
export type SeriesKey = { dataset: string; count: PredictedCount };
