import type { Forecast, Forecaster, ForecastRequest, ForecastScore, Interval } from "./forecast.ts";
import { checkHistory, type Usable } from "./learning.ts";
import {
  ensemble,
  levelCorrected,
  recentLevel,
  seasonalNaive,
  type Candidate,
  type Setting,
} from "./seasonal/candidates.ts";
import { clean, withoutGaps } from "./seasonal/clean.ts";
import { evenScale, isWorseThroughout, lossOf, maseOf } from "./seasonal/errors.ts";
import { measureWidths, type Widths } from "./seasonal/intervals.ts";
import { countLevel, fitCount, forecastByRate, isBetterMean } from "./seasonal/low-counts.ts";
import { chooseOrigins } from "./seasonal/origins.ts";
import { prepare } from "./seasonal/prepare.ts";
import { forecastTotal } from "./seasonal/total.ts";

/** A candidate replaces an earlier one only if its loss is below this share of the earlier one's. */
const BETTER = 0.97;
/** A simple method replaces the ensemble only below this share of its loss, to rule out chance. */
const SIMPLER = 0.85;
const HALF_LIFE_STEPS = [1, 4, 16, 64];

/**
 * Forecasts a series from its own history: the median of up to five seasonal models, or a simpler method if it was
 * clearly more accurate in the backtest; a model that is worse than the same time last week gives way to it. The intervals are calibrated on the errors of the backtest. Low counts are
 * forecast by their rate.
 */
export const forecast: Forecaster = (request) => {
  const readiness = checkHistory(request);
  if (!readiness.ready) return { status: "learning", reason: readiness.reason };
  return { status: "ready", forecast: forecastUsable(request, readiness.usable) };
};

function forecastUsable(request: ForecastRequest, usable: Usable): Forecast {
  const { series, horizon } = request;
  const prepared = prepare(usable.values, usable.seasons);
  const startMs = series.startMs + series.values.length * series.stepMs;
  const start = { startMs, stepMs: series.stepMs };
  const countSize = countLevel(prepared);
  const byRate = countSize === "high" ? undefined : fitCount(prepared, horizon);
  if (byRate && countSize === "rare") return { ...start, ...forecastByRate(byRate, usable.levels) };
  const origins = chooseOrigins(prepared, Math.ceil(horizon / prepared.bucketSteps));
  const setting: Setting = { prepared, origins, horizon };
  const chosen = chooseCandidate(setting);
  if (byRate && isBetterMean(byRate, setting, chosen)) {
    return { ...start, ...forecastByRate(byRate, usable.levels) };
  }
  const widths = measureWidths(setting, chosen, usable.levels);
  const out = (value: number): number => clampToFinite(value * prepared.unit);
  const total = forecastTotal(setting, chosen, usable.levels);
  return {
    model: chosen.model,
    ...start,
    mean: Array.from(chosen.path, out),
    intervals: drawIntervals(setting, chosen, widths, usable.levels, out),
    sum: {
      mean: out(total.mean),
      intervals: total.intervals.map(({ level, lower, upper }) => ({
        level,
        lower: out(lower),
        upper: out(upper),
      })),
    },
    score: scoreOf(setting, chosen, widths, usable.levels),
  };
}

function scoreOf(
  setting: Setting,
  chosen: Candidate,
  widths: Widths,
  levels: readonly number[],
): ForecastScore {
  return {
    origins: setting.origins.at.length,
    mase: maseOf(setting, chosen),
    coverage: levels.flatMap((level, l) => {
      const ratio = widths.coverage[l]!;
      return Number.isNaN(ratio) ? [] : [{ level, ratio }];
    }),
  };
}

/** The candidate with the smallest loss in the backtest; earlier candidates are preferred by a margin. */
function chooseCandidate(setting: Setting): Candidate {
  const raw = withoutGaps(setting.prepared);
  const cleaned = clean(setting.prepared);
  const plain = cleaned.isRepaired
    ? [ensemble(setting, cleaned), ensemble(setting, raw)]
    : [ensemble(setting, raw)];
  const best = leastLoss(setting, plain, BETTER);
  const corrected = leastLoss(setting, [best, ...levelCorrected(setting, best)], BETTER);
  const { day, week } = setting.prepared;
  const lastSeason = seasonalNaive(setting, raw, week);
  const simple = [
    lastSeason,
    ...(week === day ? [] : [seasonalNaive(setting, raw, day)]),
    ...HALF_LIFE_STEPS.map((steps) => recentLevel(setting, raw, steps)),
  ];
  const chosen = leastLoss(setting, [corrected, leastLoss(setting, simple, 1)], SIMPLER);
  return isWorseThroughout(setting, chosen, lastSeason) ? lastSeason : chosen;
}

function leastLoss(setting: Setting, candidates: Candidate[], margin: number): Candidate {
  let best = candidates[0]!;
  let least = lossOf(setting, best);
  for (const candidate of candidates.slice(1)) {
    const loss = lossOf(setting, candidate);
    if (loss < least * margin) {
      best = candidate;
      least = loss;
    }
  }
  return best;
}

function drawIntervals(
  setting: Setting,
  chosen: Candidate,
  widths: Widths,
  levels: readonly number[],
  out: (value: number) => number,
): Interval[] {
  const { toEven, fromEven } = evenScale(setting.prepared);
  return levels.map((level, l) => {
    const lower: number[] = [];
    const upper: number[] = [];
    chosen.path.forEach((value, h) => {
      const width = widths.byLevel[l]![h]!;
      lower.push(out(Math.min(value, fromEven(toEven(value) - width))));
      upper.push(out(Math.max(value, fromEven(toEven(value) + width))));
    });
    return { level, lower, upper };
  });
}

/** Sums and bounds of huge values may overflow to infinity. */
function clampToFinite(value: number): number {
  return Math.min(Number.MAX_VALUE, Math.max(-Number.MAX_VALUE, value));
}
