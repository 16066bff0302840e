"use client";

import { type ReactElement, useMemo } from "react";
import {
  Area,
  CartesianGrid,
  ComposedChart,
  Line as ChartLine,
  type LineProps,
  ReferenceArea,
  ReferenceLine,
  ResponsiveContainer,
  Tooltip,
  XAxis,
  YAxis,
} from "recharts";

import type { Hole } from "../api.ts";
import { formatQuantity, type UnitName } from "../format.ts";
import type { RangeText } from "../time-range.ts";
import { formatDateTime, type Zone } from "../zone.ts";
import {
  type Band,
  filledRows,
  type Line,
  isolatedPoints,
  type Boundary,
  boundaryIn,
} from "./chart-rows.ts";
import type { DeployMark } from "./deploy-marks.ts";
import { HatchPattern } from "./hatch-pattern.tsx";
import { holeAreas, HolePattern } from "./hole-areas.tsx";
import { markLines } from "./mark-lines.tsx";
import { AXIS_TEXT, timeAxis } from "./time-axis.ts";
import { useDrag } from "./use-drag.ts";
import { valueAxis } from "./value-axis.ts";

export type TimeSeriesProps = {
  label: string;
  unit: UnitName;
  lines: readonly Line[];
  bands?: readonly Band[];
  fromMs: number;
  toMs: number;
  /** The time at which measured values end and predicted ones begin. */
  nowMs?: number | undefined;
  /** Whether the range follows the clock. */
  live: boolean;
  /** Ranges whose events cannot be read. */
  holes: readonly Hole[];
  marks: readonly DeployMark[];
  zone: Zone;
  onZoom: (range: RangeText) => void;
  height: number;
};

const NO_BANDS: readonly Band[] = [];
const TICKS_MAX = 7;
const MINUTE_MS = 60_000;
const VALUE_INTERVALS_MAX = 4;

/** Lines over time with predicted bands, a shared crosshair, and drag to zoom. */
export function TimeSeries(props: TimeSeriesProps) {
  const { label, lines, bands = NO_BANDS, onZoom, height } = props;
  const boundary = boundaryIn(props);
  const rows = useMemo(() => filledRows(lines, bands), [lines, bands]);
  const drag = useDrag(onZoom);
  return (
    <figure className="chart" aria-label={label}>
      <ResponsiveContainer width="100%" height="100%" initialDimension={{ width: 320, height }}>
        <ComposedChart
          key={rangeKey(props)}
          data={rows}
          syncId="board"
          syncMethod="value"
          accessibilityLayer={false}
          margin={{ top: 6, right: 4, bottom: 0, left: 0 }}
          {...drag.handlers}
        >
          <Hatch />
          <HolePattern />
          <CartesianGrid vertical={false} stroke="var(--line)" />
          {axes(props)}
          {holeAreas(props.holes, props)}
          {bands.map((band, index) => bandArea(band, bands.length > 1 && index > 0))}
          {lines.map(chartLine)}
          {markLines(props.marks, props)}
          {boundary ? boundaryLine(boundary) : null}
          {drag.area ? (
            <ReferenceArea
              x1={drag.area[0]}
              x2={drag.area[1]}
              fill="var(--accent)"
              opacity={0.15}
            />
          ) : null}
          <Tooltip
            isAnimationActive={false}
            cursor={{ stroke: "var(--ink-3)", strokeWidth: 1 }}
            content={<Readout series={props} />}
          />
        </ComposedChart>
      </ResponsiveContainer>
    </figure>
  );
}

const Hatch = () => (
  <HatchPattern id="hatch" gap={5} angle={45} color="var(--predicted)" width={1.2} />
);

function axes({ fromMs, toMs, zone, ...shown }: TimeSeriesProps): ReactElement[] {
  const { ticks, labelOf } = valueAxis(maxOf(shown, toMs), shown.unit, VALUE_INTERVALS_MAX);
  return [
    <XAxis key="x" {...timeAxis({ fromMs, toMs, zone }, TICKS_MAX)} height={22} />,
    <YAxis
      key="y"
      ticks={ticks}
      interval={0}
      tickFormatter={labelOf}
      tick={AXIS_TEXT}
      tickLine={false}
      axisLine={false}
      width={52}
      domain={[0, ticks.at(-1) ?? 0]}
    />,
  ];
}

/** The largest value of the chart up to its right end. */
function maxOf(
  { lines, bands = NO_BANDS }: Pick<TimeSeriesProps, "lines" | "bands">,
  toMs: number,
) {
  let max = 0;
  for (const { points } of lines) {
    for (const [tMs, value] of points) if (tMs <= toMs) max = Math.max(max, value ?? 0);
  }
  for (const { points } of bands) {
    for (const [tMs, [, upper]] of points) if (tMs <= toMs) max = Math.max(max, upper);
  }
  return max;
}

/** The chart is created anew for another range, because its tooltip would stay at a time of the old one. */
function rangeKey({ fromMs, toMs, live }: TimeSeriesProps): string {
  return live ? `live ${Math.floor((toMs - fromMs) / MINUTE_MS)}` : `${fromMs} ${toMs}`;
}

function bandArea(band: Band, inner: boolean): ReactElement {
  return (
    <Area
      key={band.key}
      dataKey={band.key}
      stroke="none"
      fill={inner ? "var(--predicted-fill)" : "url(#hatch)"}
      fillOpacity={inner ? 1 : 0.7}
      activeDot={false}
      isAnimationActive={false}
    />
  );
}

function chartLine(line: Line): ReactElement {
  return (
    <ChartLine
      key={line.key}
      dataKey={line.key}
      stroke={line.color}
      strokeWidth={line.width ?? 1.6}
      {...(line.dash ? { strokeDasharray: line.dash } : {})}
      dot={loneDots(line)}
      activeDot={{ r: 3, strokeWidth: 0 }}
      isAnimationActive={false}
    />
  );
}

/** A point between two gaps is drawn as a dot, as it has no line. */
function loneDots(line: Line): DotType {
  const lone = new Set(isolatedPoints(line.points));
  if (lone.size === 0) return false;
  return ({ cx, cy, payload }: Dot) =>
    lone.has(payload.tMs) ? (
      <circle key={payload.tMs} cx={cx} cy={cy} r={1.6} fill={line.color} />
    ) : null;
}

type DotType = NonNullable<LineProps["dot"]>;
type Dot = { cx?: number | string; cy?: number | string; payload: { tMs: number } };

function boundaryLine({ atMs, label }: Boundary): ReactElement {
  return (
    <ReferenceLine
      x={atMs}
      stroke="var(--ink-3)"
      strokeDasharray="2 3"
      label={{ value: label, position: "insideTopRight", fontSize: 11, fill: "var(--ink-3)" }}
    />
  );
}

/** Tooltip props from recharts; absent until the pointer is over the chart. */
type ReadoutProps = {
  series: TimeSeriesProps;
  active?: boolean;
  label?: string | number;
  payload?: readonly { dataKey?: unknown; value?: unknown }[];
};

function Readout({ series, active, label, payload }: ReadoutProps) {
  if (!active || typeof label !== "number" || !payload?.length) return null;
  return (
    <div className="readout">
      <div className="readout-time">{formatDateTime(label, series.zone)}</div>
      {readings(payload, series).map((row) => (
        <div key={row.key} className="readout-row">
          <span className="swatch" style={{ background: row.color }} />
          <span>{row.label}</span>
          <b>{row.text}</b>
        </div>
      ))}
    </div>
  );
}

type Reading = { key: string; label: string; color: string; text: string };

function readings(
  payload: readonly { dataKey?: unknown; value?: unknown }[],
  { lines, bands = NO_BANDS, unit }: TimeSeriesProps,
): Reading[] {
  return payload.flatMap(({ dataKey, value }) => {
    const key = String(dataKey);
    const line = lines.find((one) => one.key === key);
    if (line && typeof value === "number") {
      return [{ key, label: line.label, color: line.color, text: formatQuantity(value, unit) }];
    }
    const band = bands.find((one) => one.key === key);
    if (!band || !Array.isArray(value)) return [];
    const text = value.map((bound) => formatQuantity(Number(bound), unit)).join(" – ");
    return [{ key, label: band.label, color: "var(--predicted)", text }];
  });
}
