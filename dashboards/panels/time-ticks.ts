import { formatDate, formatTime, toEpochMs, wallClock, type Zone } from "../zone.ts";

/** A round time on an axis. */
export type TimeTick = { tMs: number; label: string };

type Step = { unit: "second" | "month"; count: number };

const SECOND_MS = 1000;
const DAY_S = 86_400;
const DAY_MS = DAY_S * SECOND_MS;
const MONTH_MS = 30.4 * DAY_MS;
const SECOND_STEPS = [1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600];
const STEPS: readonly Step[] = [
  ...[...SECOND_STEPS, 43_200, DAY_S, 2 * DAY_S, 7 * DAY_S, 14 * DAY_S].map((count): Step => ({
    unit: "second",
    count,
  })),
  ...[1, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 6000].map((count): Step => ({
    unit: "month",
    count,
  })),
];

/** At most about `ticksMax` round times of the zone in the range, with different labels. */
export function timeTicks(
  range: { fromMs: number; toMs: number },
  ticksMax: number,
  zone: Zone,
): TimeTick[] {
  const rangeMs = range.toMs - range.fromMs;
  const step = STEPS.find((one) => rangeMs / lengthOf(one) <= ticksMax) ?? STEPS.at(-1);
  if (!step) return [];
  const times = step.unit === "month" ? months(range, step.count, zone) : spans(range, step, zone);
  const labels = labelsOf(times, step, zone);
  const used = new Set<string>();
  // The hour that a change to winter time repeats has the same label twice.
  return times.flatMap((tMs, i) => {
    const label = labels[i] ?? "";
    if (used.has(label)) return [];
    used.add(label);
    return [{ tMs, label }];
  });
}

const lengthOf = ({ unit, count }: Step): number =>
  count * (unit === "month" ? MONTH_MS : SECOND_MS);

type Span = { fromMs: number; toMs: number };

/** Steps of wall-clock time, so that they stay round after a change between summer and winter time. */
function spans({ fromMs, toMs }: Span, { count }: Step, zone: Zone): number[] {
  const stepMs = count * SECOND_MS;
  const firstMs = Math.floor(utcOf(wallClock(fromMs, zone)) / stepMs) * stepMs;
  const times: number[] = [];
  for (let wallMs = firstMs; ; wallMs += stepMs) {
    const tMs = toEpochMs(wallClock(wallMs, "utc"), zone);
    if (tMs > toMs) return times;
    if (tMs >= fromMs && tMs > (times.at(-1) ?? -Infinity)) times.push(tMs);
  }
}

const utcOf = (clock: ReturnType<typeof wallClock>): number => toEpochMs(clock, "utc");

function months({ fromMs, toMs }: Span, count: number, zone: Zone): number[] {
  const { year, month } = wallClock(fromMs, zone);
  const times: number[] = [];
  const first = Math.floor((year * 12 + month - 1) / count) * count;
  for (let at = first; ; at += count) {
    const start = { year: Math.floor(at / 12), month: (at % 12) + 1, day: 1 };
    const tMs = toEpochMs({ ...start, hour: 0, minute: 0, second: 0 }, zone);
    if (tMs > toMs) return times;
    if (tMs >= fromMs) times.push(tMs);
  }
}

/** "10:05", "17 May", "May 2015" or "2015", by the step; the date is added to times of several days. */
function labelsOf(times: readonly number[], { unit, count }: Step, zone: Zone): string[] {
  if (unit === "month") {
    return times.map((tMs) => {
      const [, month = "", year = ""] = formatDate(tMs, zone).split(" ");
      return count % 12 === 0 ? year : `${month} ${year}`;
    });
  }
  const day = (tMs: number): string => formatDate(tMs, zone).replace(/ \d+$/, "");
  if (count >= DAY_S) return times.map(day);
  const clock = (tMs: number): string => formatTime(tMs, zone, count < 60);
  const isMidnight = (tMs: number): boolean => /^00:00(?::00)?$/.test(clock(tMs));
  const plain = times.filter((tMs) => !isMidnight(tMs)).map(clock);
  const repeats = new Set(plain).size < plain.length;
  return times.map((tMs) => {
    if (isMidnight(tMs)) return day(tMs);
    return repeats ? `${day(tMs)} ${clock(tMs)}` : clock(tMs);
  });
}
