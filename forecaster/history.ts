import type { RollupReader } from "#pipeline/store/port.ts";

import type { Series } from "./forecast.ts";
import { measuredStart } from "./measured-start.ts";
import { MEASURE_OF, PREDICTED_COUNTS, type PredictedCount } from "./predicted-series.ts";

const HOUR_MS = 3_600_000;

export type Histories = Record<PredictedCount, Series>;

/**
 * Reads the history of all predicted counts in [startMs, toMs), both multiples of the step, with one query. Values are
 * null before the time from which on requests were measured.
 */
export async function countHistories(
  store: RollupReader,
  dataset: string,
  { startMs, toMs, stepMs }: { startMs: number; toMs: number; stepMs: number },
): Promise<Histories> {
  const steps = Math.max(0, Math.round((toMs - startMs) / stepMs));
  const zeros = (): number[] => Array.from({ length: steps }, () => 0);
  const values = { requests: zeros(), sign_ins: zeros(), sign_outs: zeros() };
  const cells =
    steps === 0
      ? []
      : await store.cells({
          fromMs: startMs,
          toMs,
          stepMs,
          levelS: stepMs % HOUR_MS === 0 ? 3600 : 60,
          measures: PREDICTED_COUNTS.map((count) => MEASURE_OF[count]),
          dataset,
          byKey: false,
        });
  for (const { tMs, measure, value } of cells) {
    const count = PREDICTED_COUNTS.find((name) => MEASURE_OF[name] === measure);
    const step = Math.round((tMs - startMs) / stepMs);
    if (count && step >= 0 && step < steps) values[count][step] = value;
  }
  const start = measuredStart(values.requests, stepMs);
  const series = (count: PredictedCount): Series => ({
    startMs,
    stepMs,
    values: values[count].map((value, step) => (step < start ? null : value)),
  });
  return {
    requests: series("requests"),
    sign_ins: series("sign_ins"),
    sign_outs: series("sign_outs"),
  };
}
