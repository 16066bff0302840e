import { probit } from "simple-statistics";

import type { Candidate, Setting } from "./candidates.ts";
import { evenScale, truthAtLevelOf } from "./errors.ts";
import { quantile } from "./statistics.ts";

export type Total = { mean: number; intervals: { level: number; lower: number; upper: number }[] };

/**
 * The median forecast is below the mean if noise is skewed. The bias is estimated from the backtest, up to this factor.
 */
const BIAS_MAX = 1.25;
const MEASURED_MIN = 0.8;
const POISSON_SIGMA = 0.5;

type BacktestTotal = { truth: number; predicted: number };

/**
 * The sum over the horizon divided by `unit`, with intervals from the errors of the sums in the backtest. The interval of
 * a count is at least as wide as that of a Poisson count.
 */
export function forecastTotal(
  setting: Setting,
  candidate: Candidate,
  levels: readonly number[],
): Total {
  const { prepared } = setting;
  const { toEven, fromEven } = evenScale(prepared);
  const totals = backtestTotals(setting, candidate);
  const bias = biasOf(setting, totals);
  const mean = candidate.path.reduce((sum, value) => sum + value, 0) * bias;
  const errors = Float64Array.from(totals, ({ truth, predicted }) =>
    Math.abs(toEven(truth) - toEven(predicted * bias)),
  ).toSorted();
  let width = 0;
  const intervals = levels.map((level) => {
    // The finite-sample correction of split conformal prediction.
    const share = Math.min(1, (level / 100) * (1 + 1 / Math.max(1, errors.length)));
    const measured = errors.length > 0 ? quantile(errors, share) : toEven(Math.abs(mean));
    const poisson = (probit(0.5 + level / 200) * POISSON_SIGMA) / Math.sqrt(prepared.unit);
    width = Math.max(width, measured, prepared.counts ? poisson : 0);
    const centre = toEven(mean);
    const lower = Math.min(mean, fromEven(centre - width));
    return { level, lower, upper: Math.max(mean, fromEven(centre + width)) };
  });
  return { mean, intervals };
}

function backtestTotals(setting: Setting, candidate: Candidate): BacktestTotal[] {
  const { prepared, origins, horizon } = setting;
  return origins.at.flatMap((origin, i) => {
    const start = origin * prepared.bucketSteps;
    let measured = 0;
    let truth = 0;
    let predicted = 0;
    for (let h = 0; h < horizon; h++) {
      const value = truthAtLevelOf(setting, candidate, origin, start + h);
      if (Number.isNaN(value)) continue;
      measured++;
      truth += value;
      predicted += candidate.backtest[i]![h]!;
    }
    const whole = horizon / Math.max(1, measured);
    const enough = measured >= MEASURED_MIN * horizon;
    return enough ? [{ truth: truth * whole, predicted: predicted * whole }] : [];
  });
}

/** For counts only: in other series a drift of the level would look like a bias. */
function biasOf({ prepared }: Setting, totals: readonly BacktestTotal[]): number {
  if (!prepared.counts) return 1;
  const truth = totals.reduce((sum, total) => sum + total.truth, 0);
  const predicted = totals.reduce((sum, total) => sum + total.predicted, 0);
  const few = 10 / prepared.unit;
  return Math.min(BIAS_MAX, Math.max(1 / BIAS_MAX, (truth + few) / (predicted + few)));
}
