import type { LiveLog } from "./live-log.ts";
import type { Recording } from "./live-page.ts";

export type Spread = { p50: number; p95: number; p99: number; max: number };

/** Quantiles by nearest rank, in the given order; empty for no values. */
export function quantiles(values: readonly number[], wanted: readonly number[]): number[] {
  const sorted = values.toSorted((a, b) => a - b);
  return wanted.flatMap((q) => sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? []);
}

export function spread(values: readonly number[]): Spread | null {
  const [p50, p95, p99, max] = quantiles(values, [0.5, 0.95, 0.99, 1]);
  if (p50 === undefined || p95 === undefined || p99 === undefined || max === undefined) return null;
  return { p50, p95, p99, max };
}

/** Latencies from the append of each sign-in to its count on the screen, and their parts, in ms. */
export type Latencies = {
  signIns: number;
  /** Sign-ins that were never on the screen; must be 0. */
  missing: number;
  total: Spread | null;
  appendToFrame: Spread | null;
  frameToPage: Spread | null;
  pageToScreen: Spread | null;
};

/** For the sign-ins from `first` on (0 = the first of all). */
export function latencies(log: LiveLog, first: number, recording: Recording): Latencies {
  const totals: number[] = [];
  const parts: [number, number, number][] = [];
  const appended = log.signInsMs.slice(first);
  for (const [index, appendMs] of appended.entries()) {
    const count = first + index + 1;
    const shown = recording.signIns.find(({ text }) => numberIn(text) >= count);
    if (!shown) continue;
    totals.push(shown.atMs - appendMs);
    const frame = recording.frames.find(({ signIns }) => signIns >= count);
    if (!frame) continue;
    parts.push([frame.madeMs - appendMs, frame.gotMs - frame.madeMs, shown.atMs - frame.gotMs]);
  }
  return {
    signIns: appended.length,
    missing: appended.length - totals.length,
    total: spread(totals),
    appendToFrame: spread(parts.map(([made]) => made)),
    frameToPage: spread(parts.map(([, got]) => got)),
    pageToScreen: spread(parts.map(([, , shown]) => shown)),
  };
}

/** "1,204" is 1204; NaN for anything but digits and commas. */
export function numberIn(text: string): number {
  return /^[\d,.]+$/.test(text) ? Number(text.replaceAll(",", "")) : Number.NaN;
}
