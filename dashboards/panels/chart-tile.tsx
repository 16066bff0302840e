"use client";

import type { ReactNode } from "react";

import type { Hole } from "../api.ts";
import type { Quantity, UnitName } from "../format.ts";
import type { RangeText } from "../time-range.ts";
import type { Zone } from "../zone.ts";
import type { Band, Line } from "./chart-rows.ts";
import { ChartTable } from "./chart-table.tsx";
import type { DeployMark } from "./deploy-marks.ts";
import { LazyTimeSeries } from "./lazy-time-series.tsx";
import { type Freshness, Tile } from "./tile.tsx";

/** A tile with a chart, its table and its empty state. */
export type ChartFrame = {
  fromMs: number;
  toMs: number;
  holes: readonly Hole[];
  marks: readonly DeployMark[];
  zone: Zone;
  /** Whether the range follows the clock. */
  live: boolean;
  onZoom: (range: RangeText) => void;
};

export type ChartTileProps = {
  name: string;
  title: string;
  unit: UnitName;
  value?: Quantity;
  caption?: ReactNode;
  meaning: string | undefined;
  freshness: Freshness;
  frame: ChartFrame;
  lines: readonly Line[];
  bands?: readonly Band[];
  /** After the end of the range if there is a prediction. */
  toMs?: number;
  nowMs?: number | undefined;
  height?: number;
  /** Shown in place of an empty chart. */
  nothing?: ReactNode;
};

const NO_BANDS: readonly Band[] = [];
const HEIGHT = 132;

export function ChartTile(props: ChartTileProps) {
  const { name, title, unit, meaning, freshness, frame, lines, bands = NO_BANDS } = props;
  const { value, caption, toMs = frame.toMs, nowMs, height = HEIGHT } = props;
  const { nothing = "Nothing was measured in this range." } = props;
  return (
    <Tile
      name={name}
      title={title}
      meaning={meaning}
      freshness={freshness}
      {...(value ? { value } : {})}
      caption={caption}
      table={<ChartTable label={title} unit={unit} lines={lines} bands={bands} zone={frame.zone} />}
    >
      {isEmpty(lines) && frame.holes.length === 0 ? (
        <p className="quiet">{nothing}</p>
      ) : (
        <LazyTimeSeries
          {...frame}
          label={`${title} over time`}
          unit={unit}
          lines={lines}
          bands={bands}
          toMs={toMs}
          nowMs={nowMs}
          height={height}
        />
      )}
    </Tile>
  );
}

function isEmpty(lines: readonly Line[]): boolean {
  return lines.every(({ points }) => points.every(([, value]) => value === null));
}
