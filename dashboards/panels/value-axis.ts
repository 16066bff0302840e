import { trimmed, type UnitName } from "../format.ts";

/** Round values of an axis from zero up, and their labels, all in the same unit. */
export type ValueAxis = { ticks: number[]; labelOf: (value: number) => string };

type Scale = { size: number; suffix: string };

const scaleOf = (size: number, suffix: string): Scale => ({ size, suffix });
const PREFIXES = ["", "k", "M", "G", "T", "P"];
const PLAIN = PREFIXES.map((prefix, power) => scaleOf(1000 ** power, prefix));
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** From the finest to the coarsest; one applies from its size on. */
const SCALES: Record<UnitName, readonly Scale[]> = {
  "1/s": PLAIN,
  count: PLAIN,
  bytes: PREFIXES.map((prefix, power) => scaleOf(1000 ** power, `${prefix}B`)),
  ratio: [scaleOf(0.01, "%")],
  ms: [scaleOf(1, "ms"), scaleOf(1000, "s"), scaleOf(MINUTE_MS, "min"), scaleOf(HOUR_MS, "h")],
};
/** Minutes and hours only where few of the smaller unit would be too many digits. */
const SCALE_FROM: Partial<Record<string, number>> = { min: 2 * MINUTE_MS, h: 2 * HOUR_MS };
/** Upper end of an axis on which every value is zero. */
const FLAT_MAX: Record<UnitName, number> = { "1/s": 1, ms: 10, ratio: 0.01, count: 2, bytes: 1000 };

/** An axis from 0 to at least `max`, with at most `intervalsMax` intervals of 1, 2 or 5 × 10ⁿ of its unit. */
export function valueAxis(max: number, unit: UnitName, intervalsMax: number): ValueAxis {
  const reach = Number.isFinite(max) && max > 0 ? max : FLAT_MAX[unit];
  const wholeMin = unit === "count" || unit === "bytes" ? 1 : 0;
  const scale = scaleAt(reach, unit);
  const step = Math.max(roundStep(reach / scale.size / intervalsMax), wholeMin / scale.size);
  // The tolerance keeps 0.3 / 0.1 from becoming four intervals.
  const intervals = Math.max(1, Math.ceil(reach / scale.size / step - 1e-9));
  const numbers = Array.from({ length: intervals + 1 }, (_, i) => rounded(i * step));
  const decimals = Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
  const labelOf = (value: number): string => {
    const number = trimmed(value / scale.size, decimals);
    return value === 0 || scale.suffix === "" ? number : `${number}\u00a0${scale.suffix}`;
  };
  const ticks = numbers.map((number) => rounded(number * scale.size));
  return { ticks, labelOf };
}

function scaleAt(reach: number, unit: UnitName): Scale {
  const scales = SCALES[unit];
  const fits = scales.findLast(({ size, suffix }) => reach >= (SCALE_FROM[suffix] ?? size));
  return fits ?? scales[0] ?? scaleOf(1, "");
}

/** The smallest of 1, 2 and 5 × 10ⁿ that is not smaller. */
function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  const factor = [1, 2, 5, 10].find((one) => one * power >= least * (1 - 1e-9)) ?? 10;
  return rounded(factor * power);
}

/** Without the binary remainder of sums such as 0.1 + 0.2. */
const rounded = (value: number): number => Number(value.toPrecision(12));
