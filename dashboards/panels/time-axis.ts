import type { Zone } from "../zone.ts";
import { timeTicks } from "./time-ticks.ts";

/** Text style of an axis. */
export const AXIS_TEXT = { fontSize: 11, fill: "var(--ink-3)" };

/** Time axis props for recharts: ticks at round times of the zone. */
export function timeAxis(
  { fromMs, toMs, zone }: { fromMs: number; toMs: number; zone: Zone },
  ticksMax: number,
) {
  const ticks = timeTicks({ fromMs, toMs }, ticksMax, zone);
  const labels = new Map(ticks.map(({ tMs, label }) => [tMs, label]));
  return {
    dataKey: "tMs",
    type: "number" as const,
    domain: [fromMs, toMs],
    allowDataOverflow: true,
    ticks: ticks.map(({ tMs }) => tMs),
    tickFormatter: (tMs: number) => labels.get(tMs) ?? "",
    tick: AXIS_TEXT,
    tickLine: false,
    axisLine: { stroke: "var(--line-2)" },
    minTickGap: 16,
  };
}
