"use client";

import { Bar, BarChart, ReferenceArea, ResponsiveContainer, Tooltip, XAxis, YAxis } from "recharts";

import type { EventOverview } from "../api.ts";
import { formatExact } from "../format.ts";
import type { DeployMark } from "../panels/deploy-marks.ts";
import { holeAreas, HolePattern } from "../panels/hole-areas.tsx";
import { markLines } from "../panels/mark-lines.tsx";
import { AXIS_TEXT, timeAxis } from "../panels/time-axis.ts";
import { useDrag } from "../panels/use-drag.ts";
import { valueAxis } from "../panels/value-axis.ts";
import type { RangeText } from "../time-range.ts";
import { formatDateTime, type Zone } from "../zone.ts";

export type HistogramProps = {
  marks: readonly DeployMark[];
  overview: EventOverview;
  zone: Zone;
  onZoom: (range: RangeText) => void;
  height: number;
};

const TICKS_MAX = 8;

/** Number of events over time; drag to zoom. */
export function Histogram({ overview, marks, zone, onZoom, height }: HistogramProps) {
  const { fromMs, toMs, stepMs, histogram, holes, live } = overview;
  const rows = filledSteps(overview, histogram);
  const axis = valueAxis(Math.max(0, ...rows.map(({ count }) => count)), "count", 2);
  const drag = useDrag(onZoom, stepMs);
  return (
    <figure className="chart" style={{ height }} aria-label="Events over time">
      <ResponsiveContainer width="100%" height="100%" initialDimension={{ width: 600, height }}>
        <BarChart
          key={live ? "live" : `${fromMs} ${toMs}`}
          data={rows}
          accessibilityLayer={false}
          barCategoryGap={1}
          margin={{ top: 4, right: 4, bottom: 0, left: 0 }}
          {...drag.handlers}
        >
          <HolePattern />
          <XAxis {...timeAxis({ fromMs, toMs, zone }, TICKS_MAX)} height={20} />
          <YAxis
            ticks={axis.ticks}
            interval={0}
            domain={[0, axis.ticks.at(-1) ?? 0]}
            tickFormatter={axis.labelOf}
            tick={AXIS_TEXT}
            tickLine={false}
            axisLine={false}
            width={46}
          />
          {holeAreas(holes, { fromMs, toMs })}
          <Bar dataKey="count" fill="var(--accent)" fillOpacity={0.8} isAnimationActive={false} />
          {markLines(marks, { fromMs, toMs })}
          {drag.area ? (
            <ReferenceArea x1={drag.area[0]} x2={drag.area[1]} fill="var(--accent)" opacity={0.2} />
          ) : null}
          <Tooltip
            isAnimationActive={false}
            cursor={{ fill: "var(--hover)" }}
            content={<Readout zone={zone} />}
          />
        </BarChart>
      </ResponsiveContainer>
    </figure>
  );
}

type ReadoutProps = {
  zone: Zone;
  active?: boolean;
  label?: string | number;
  payload?: readonly { value?: unknown }[];
};

function Readout({ zone, active, label, payload }: ReadoutProps) {
  const count = payload?.[0]?.value;
  if (!active || typeof label !== "number" || typeof count !== "number") return null;
  return (
    <div className="readout">
      <div className="readout-time">{formatDateTime(label, zone)}</div>
      <b>{formatExact(count)}</b> events
    </div>
  );
}

/** Every step has a bar, so that bar widths and hit areas are constant. */
function filledSteps(
  { fromMs, toMs, stepMs }: EventOverview,
  histogram: EventOverview["histogram"],
): { tMs: number; count: number }[] {
  const counts = new Map(histogram);
  const firstMs = histogram[0]?.[0] ?? fromMs;
  const startMs = firstMs - Math.floor((firstMs - fromMs) / stepMs) * stepMs;
  const steps: { tMs: number; count: number }[] = [];
  for (let tMs = startMs; tMs < toMs; tMs += stepMs)
    steps.push({ tMs, count: counts.get(tMs) ?? 0 });
  return steps;
}
