import type { Prepared } from "./prepare.ts";
import type { Span } from "./ridge.ts";

/**
 * The origins of the backtest: past times, in buckets, from which the forecast is repeated and compared with the
 * outcome.
 */
export type Origins = {
  /** Newest first. */
  at: number[];
  /** The fold of each origin. */
  folds: number[];
  spans: Span[];
};

const ORIGINS_MAX = 28;
const ORIGINS_MAX_SHORT = 84;
const ORIGINS_MIN = 4;
const FOLDS = 4;

/**
 * Up to a week of origins, a quarter of a day apart (a twelfth for short horizons), for which the whole horizon has
 * been measured; with a short history also origins with a partly measured horizon.
 */
export function chooseOrigins(prepared: Prepared, horizon: number): Origins {
  const n = prepared.buckets.length;
  const short = horizon <= prepared.day / 4;
  const step = Math.max(1, Math.round(prepared.day / (short ? 12 : 4)));
  const max = short ? ORIGINS_MAX_SHORT : ORIGINS_MAX;
  const first = Math.max(prepared.day + 3, Math.min(Math.ceil(n * 0.6), 2 * prepared.week + 5));
  const at: number[] = [];
  for (let origin = n - horizon; origin >= first && at.length < max; origin -= step)
    at.push(origin);
  if (at.length < ORIGINS_MIN) {
    const part = Math.max(1, Math.floor((n - first) / (2 * ORIGINS_MIN)));
    for (let origin = n - part; origin >= first && at.length < ORIGINS_MIN; origin -= part) {
      if (!at.includes(origin)) at.push(origin);
    }
    at.sort((a, b) => b - a);
  }
  const perFold = Math.max(1, Math.ceil(at.length / FOLDS));
  const folds = at.map((_, i) => Math.floor(i / perFold));
  const spans: Span[] = [];
  for (let i = 0; i < at.length; i += perFold) {
    const oldest = at[Math.min(i + perFold, at.length) - 1]!;
    spans.push({ from: oldest, to: Math.min(n, at[i]! + horizon) });
  }
  return { at, folds, spans };
}
