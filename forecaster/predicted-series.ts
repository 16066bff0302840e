import type { PredictedMetric } from "#pipeline/metrics/catalogue.ts";

export type PredictedCount = PredictedMetric["predicts"]["count"];

/** The rollup measure with the history of each predicted count. */
export const MEASURE_OF = {
  requests: "requests",
  sign_ins: "sign-in",
  sign_outs: "sign-out",
} as const satisfies Record<PredictedCount, string>;

export const PREDICTED_COUNTS: readonly PredictedCount[] = ["requests", "sign_ins", "sign_outs"];

/** Identifies a predicted series: one count of one dataset. */
export type SeriesKey = { dataset: string; count: PredictedCount };
