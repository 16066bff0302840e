/** The counts that are forecast, by the rollup measure that holds their history. */
export const MEASURE_OF = {
  requests: "requests",
  sign_ins: "sign-in",
  sign_outs: "sign-out",
} as const;

export type PredictedCount = keyof typeof MEASURE_OF;
export const PREDICTED_COUNTS: readonly PredictedCount[] = ["requests", "sign_ins", "sign_outs"];

/** Which series a forecast is of: one count of one dataset. */
export type SeriesKey = { dataset: string; count: PredictedCount };
