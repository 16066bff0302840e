export const INTERVALS = ["month", "year"] as const;
export type Interval = (typeof INTERVALS)[number];

const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;

/** Rounded down to a whole second, as the bounds of periods are. */
export const wholeSecond = (ms: number): number => ms - (ms % SECOND_MS);

export const addDays = (ms: number, days: number): number => ms + days * DAY_MS;

/**
 * Adds months in UTC; a day that the month does not have becomes its last day. Counting from the anchor keeps the day:
 * a subscription of 31 January renews on 28 (29) February and on 31 March.
 */
export function addMonths(anchorAtMs: number, months: number): number {
  const anchor = new Date(anchorAtMs);
  const month = anchor.getUTCMonth() + months;
  const year = anchor.getUTCFullYear();
  const lastDay = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  const later = new Date(anchorAtMs);
  later.setUTCFullYear(year, month, Math.min(anchor.getUTCDate(), lastDay));
  return later.getTime();
}

const MONTHS: Record<Interval, number> = { month: 1, year: 12 };

export type Period = { startMs: number; endMs: number };

/** Period number `index` from an anchor, counted from 0. */
export function periodAt(anchorAtMs: number, interval: Interval, index: number): Period {
  const months = MONTHS[interval];
  return {
    startMs: addMonths(anchorAtMs, index * months),
    endMs: addMonths(anchorAtMs, (index + 1) * months),
  };
}
