/**
 * Formats numbers for display. Values are stored in base units (count, 1/s, ms, ratio, bytes) and converted only here.
 */

/** A number and its unit, separate so that a tile can style them differently. */
export type Quantity = { number: string; unit: string };

export type UnitName = "1/s" | "ms" | "ratio" | "count" | "bytes";

/** Shown if nothing was measured, instead of a zero. */
const NOTHING: Quantity = { number: "–", unit: "" };

const PREFIXES = ["", "k", "M", "G", "T", "P"];
const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const YEAR_MS = 365.25 * DAY_MS;
const EXACT_MAX = 10_000;
const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** The quantity of a value in its stored unit; null, NaN and infinities count as not measured. */
export function quantity(value: number | null | undefined, unit: UnitName): Quantity {
  if (value === null || value === undefined || !Number.isFinite(value)) return NOTHING;
  switch (unit) {
    case "1/s":
      return scaled(value, "req/s");
    case "ms":
      return duration(value);
    case "ratio":
      return percent(value);
    case "bytes":
      return scaled(value, "B");
    case "count":
      if (Math.abs(value) >= EXACT_MAX) return scaled(value, "");
      return { number: Number.isInteger(value) ? grouped.format(value) : digits(value), unit: "" };
  }
}

/** "1.24 k req/s", "184 ms", "3.1 %". */
export function formatQuantity(value: number | null | undefined, unit: UnitName): string {
  return joined(quantity(value, unit));
}

/** A whole number in full: "200,000". */
export function formatExact(value: number): string {
  return grouped.format(value);
}

/** "+23", "−4", "±0": a difference with its sign. */
export function formatSigned(value: number): string {
  if (Math.round(value) === 0) return "±0";
  return `${value > 0 ? "+" : "−"}${formatQuantity(Math.abs(Math.round(value)), "count")}`;
}

/** Relative age, rounded to one unit: "now", "2 s ago", "3 min ago", "11 y ago". */
export function formatAge(ageMs: number): string {
  if (ageMs < SECOND_MS) return "now";
  return `${formatSpan(ageMs)} ago`;
}

/** A duration in its largest unit: "15 min", "2 h", "7 d". */
export function formatSpan(spanMs: number): string {
  const spans: [number, string][] = [
    [YEAR_MS, "y"],
    [DAY_MS, "d"],
    [HOUR_MS, "h"],
    [MINUTE_MS, "min"],
  ];
  const [sizeMs, unit] = spans.find(([size]) => spanMs >= size) ?? [SECOND_MS, "s"];
  const count = spanMs / sizeMs;
  return `${count < 10 && sizeMs >= HOUR_MS ? trimmed(count, 1) : Math.floor(count)} ${unit}`;
}

function joined({ number, unit }: Quantity): string {
  return unit ? `${number} ${unit}` : number;
}

function duration(ms: number): Quantity {
  if (Math.abs(ms) < SECOND_MS - 0.5) return { number: digits(ms), unit: "ms" };
  if (Math.abs(ms) < 2 * MINUTE_MS) return { number: digits(ms / SECOND_MS), unit: "s" };
  if (Math.abs(ms) < 2 * HOUR_MS) return { number: digits(ms / MINUTE_MS), unit: "min" };
  return { number: digits(ms / HOUR_MS), unit: "h" };
}

function percent(ratio: number): Quantity {
  const value = ratio * 100;
  if (value > 0 && value < 0.01) return { number: "<0.01", unit: "%" };
  return { number: trimmed(value, Math.abs(value) < 1 ? 2 : 1), unit: "%" };
}

function scaled(value: number, unit: string): Quantity {
  let rest = value;
  let prefix = 0;
  while (Math.abs(rest) >= 999.5 && prefix < PREFIXES.length - 1) {
    rest /= 1000;
    prefix += 1;
  }
  const named = unit === "B" ? `${PREFIXES[prefix]}B` : `${PREFIXES[prefix]} ${unit}`.trim();
  return { number: digits(rest), unit: named };
}

/** At most three significant digits and two decimals, without trailing zeros. */
function digits(value: number): string {
  const size = Math.abs(value);
  return trimmed(value, size >= 100 ? 0 : size >= 10 ? 1 : 2);
}

/** With at most this many decimals, without trailing zeros. */
export function trimmed(value: number, decimals: number): string {
  const text = value.toFixed(decimals);
  const short = text.includes(".") ? text.replace(/\.?0+$/, "") : text;
  return short === "-0" ? "0" : short.replace("-", "−");
}
