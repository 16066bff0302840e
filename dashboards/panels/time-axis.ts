import { formatTick, type Zone } from "../zone.ts";
import { timeTicks } from "./chart-rows.ts";

/** Text style of an axis. */
export const AXIS_TEXT = { fontSize: 11, fill: "var(--ink-3)" };

/** Time axis props for recharts: ticks at round times of the zone. */
export function timeAxis(
  { fromMs, toMs, zone }: { fromMs: number; toMs: number; zone: Zone },
  ticksMax: number,
) {
  const offsetMs = zone === "utc" ? 0 : -new Date(fromMs).getTimezoneOffset() * 60_000;
  return {
    dataKey: "tMs",
    type: "number" as const,
    domain: [fromMs, toMs],
    allowDataOverflow: true,
    ticks: timeTicks({ fromMs, toMs }, ticksMax, offsetMs),
    tickFormatter: (tMs: number) => formatTick(tMs, zone, toMs - fromMs),
    tick: AXIS_TEXT,
    tickLine: false,
    axisLine: { stroke: "var(--line-2)" },
    minTickGap: 16,
  };
}
