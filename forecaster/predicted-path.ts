import type { Forecast } from "./forecast.ts";

/** A predicted series with its bands; each array is as long as `tMs`. */
export type PredictedSeries =
  | {
      status: "ready";
      model: string;
      /** Issue time of the newest forecast in the series. */
      issuedMs: number;
      stepMs: number;
      tMs: number[];
      mean: number[];
      bands: { level: number; lower: number[]; upper: number[] }[];
      /** Backtest score of the newest forecast (`ForecastScore`). */
      mase: number | null;
      coverage: { level: number; ratio: number }[];
    }
  | { status: "learning"; reason: string };

export type PathOptions = {
  /** Steps that end before this are left out. */
  fromMs: number;
  /** Steps that start at this time or later are left out. */
  toMs?: number;
  levels: readonly number[];
  /** `second`: rates per second; `step`: counts per step. */
  per: "second" | "step";
};

/** Joins forecasts, oldest first, into one series: each step comes from the newest forecast that covers it. */
export function joinForecasts(
  forecasts: readonly Forecast[],
  { fromMs, toMs = Infinity, levels, per }: PathOptions,
): PredictedSeries {
  const steps = new Map<number, { forecast: Forecast; index: number }>();
  for (const forecast of forecasts) {
    const { startMs, stepMs, mean } = forecast;
    for (let index = 0; index < mean.length; index += 1) {
      const t = startMs + index * stepMs;
      if (t + stepMs > fromMs && t < toMs) steps.set(t, { forecast, index });
    }
  }
  const tMs = [...steps.keys()].toSorted((a, b) => a - b);
  const mean: number[] = [];
  const bands = levels.map((level) => ({ level, lower: [] as number[], upper: [] as number[] }));
  for (const t of tMs) {
    const step = steps.get(t);
    if (!step) continue;
    const { forecast, index } = step;
    const scale = per === "second" ? 1000 / forecast.stepMs : 1;
    const value = forecast.mean[index] ?? 0;
    mean.push(value * scale);
    for (const band of bands) {
      const interval = forecast.intervals.find(({ level }) => level === band.level);
      band.lower.push((interval?.lower[index] ?? value) * scale);
      band.upper.push((interval?.upper[index] ?? value) * scale);
    }
  }
  const last = forecasts.at(-1);
  if (!last || tMs.length === 0)
    return { status: "learning", reason: "no forecast covers this range yet" };
  const { model, startMs, stepMs, score } = last;
  const { mase, coverage } = score;
  return { status: "ready", model, issuedMs: startMs, stepMs, tMs, mean, bands, mase, coverage };
}
