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
import { type Band, filledRows, type Line, isolatedPoints } from "./chart-rows.ts";
import { HatchPattern } from "./hatch-pattern.tsx";
import { holeAreas, HolePattern } from "./hole-areas.tsx";
import { AXIS_TEXT, timeAxis } from "./time-axis.ts";
import { useDrag } from "./use-drag.ts";

export type TimeSeriesProps = {
  label: string;
  unit: UnitName;
  lines: readonly Line[];
  bands?: readonly Band[];
  fromMs: number;
  toMs: number;
  /** The time at which measured values end and predicted ones begin. */
  nowMs?: number | undefined;
  /** Whether `nowMs` is the current time. */
  live?: boolean;
  /** Ranges whose events cannot be read. */
  holes: readonly Hole[];
  zone: Zone;
  onZoom: (range: RangeText) => void;
  height: number;
};

const NO_BANDS: readonly Band[] = [];
const TICKS_MAX = 7;
/** Upper end of an axis on which every value is zero. */
const FLAT_MAX: Record<UnitName, number> = { "1/s": 1, ms: 10, ratio: 0.01, count: 3, bytes: 1000 };

/** Lines over time with predicted bands, a shared crosshair, and drag to zoom. */
export function TimeSeries(props: TimeSeriesProps) {
  const { label, lines, bands = NO_BANDS, nowMs, live = false, toMs, onZoom, height } = props;
  const rows = useMemo(() => filledRows(lines, bands), [lines, bands]);
  const drag = useDrag(onZoom);
  return (
    <figure className="chart" aria-label={label}>
      <ResponsiveContainer width="100%" height="100%" initialDimension={{ width: 320, height }}>
        <ComposedChart
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
          {nowMs !== undefined && nowMs < toMs
            ? nowLine(nowMs, live ? "now" : "end of data")
            : null}
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

function axes({ unit, fromMs, toMs, zone, lines, bands }: TimeSeriesProps): ReactElement[] {
  return [
    <XAxis key="x" {...timeAxis({ fromMs, toMs, zone }, TICKS_MAX)} height={22} />,
    <YAxis
      key="y"
      tickFormatter={(value: number) =>
        formatQuantity(value, unit)
          .replace(/ ?req\/s/, "")
          .replace(" ", "\u00a0")
      }
      tick={AXIS_TEXT}
      tickLine={false}
      axisLine={false}
      tickCount={4}
      width={52}
      allowDecimals={unit !== "count"}
      domain={[0, isFlat(lines) && !bands?.length ? FLAT_MAX[unit] : "auto"]}
    />,
  ];
}

function isFlat(lines: readonly Line[]): boolean {
  return lines.every(({ points }) => points.every(([, value]) => !value));
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

function nowLine(nowMs: number, label: string): ReactElement {
  return (
    <ReferenceLine
      x={nowMs}
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
