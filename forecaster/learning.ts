import type { ForecastRequest } from "./forecast.ts";

const DAYS_MIN = 2;
/** The horizon is at most this many times as long as the history. */
const REACH_MAX = 4;
const DAY_MS = 86_400_000;
const UNITS: readonly [number, string][] = [
  [DAY_MS, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1000, "s"],
];

export type Usable = {
  /** The values from the first measured one on. */
  values: readonly (number | null)[];
  /** Season lengths in steps, ascending; never empty. */
  seasons: number[];
  /** Ascending, in percent. */
  levels: number[];
};

export type Readiness = { ready: true; usable: Usable } | { ready: false; reason: string };

/** Whether the history is long enough for a forecast; if not, the reason to show to users. */
export function checkHistory(request: ForecastRequest): Readiness {
  const { series, horizon, seasonalities } = request;
  const seasons = [...new Set(seasonalities)]
    .filter((season) => Number.isInteger(season) && season >= 2)
    .toSorted((a, b) => a - b);
  const [day] = seasons;
  if (day === undefined) return notReady("needs a season, such as the number of steps of a day");
  if (!Number.isInteger(horizon) || horizon < 1) {
    return notReady(`needs a horizon of one step or more, got ${horizon}`);
  }
  const first = series.values.findIndex(isMeasured);
  if (first < 0)
    return notReady(`needs ${twoDays(day, series.stepMs)} of history, has no value yet`);
  const values = series.values.slice(first);
  if (values.length < DAYS_MIN * day) {
    const has = duration(values.length * series.stepMs);
    return notReady(`needs ${twoDays(day, series.stepMs)} of history, has ${has}`);
  }
  const measured = values.filter(isMeasured).length;
  if (measured < day) {
    const has = duration(measured * series.stepMs);
    const needs = duration(day * series.stepMs);
    return notReady(
      `needs ${needs} of measured values in its history, has ${has}; the rest are gaps`,
    );
  }
  if (horizon > REACH_MAX * values.length) {
    const most = duration(REACH_MAX * values.length * series.stepMs);
    return notReady(
      `can forecast at most ${most} ahead from this history, got a horizon of ${horizon} steps`,
    );
  }
  const levels = [...new Set(request.levels)]
    .filter((level) => level > 0 && level < 100)
    .toSorted((a, b) => a - b);
  return { ready: true, usable: { values, seasons, levels } };
}

const notReady = (reason: string): Readiness => ({ ready: false, reason });

const isMeasured = (value: number | null): boolean => value !== null && Number.isFinite(value);

function twoDays(day: number, stepMs: number): string {
  if (day * stepMs === DAY_MS) return "two full days";
  return `two full seasons (${duration(DAYS_MIN * day * stepMs)})`;
}

/** The two largest units, e.g. "11 h", "2 d 3 h", "40 min". */
function duration(ms: number): string {
  const parts: string[] = [];
  let rest = ms;
  for (const [unitMs, name] of UNITS) {
    const whole = Math.floor(rest / unitMs);
    rest -= whole * unitMs;
    if (whole > 0 && parts.length < 2) parts.push(`${whole} ${name}`);
    else if (parts.length > 0) break;
  }
  return parts.length > 0 ? parts.join(" ") : `${Math.round(ms)} ms`;
}
