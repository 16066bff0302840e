"use client";

import dynamic from "next/dynamic";
import { memo } from "react";

import type { TimeSeriesProps } from "./time-series.tsx";

/** Charts are drawn in the browser alone: the server's bundle, and the first bytes of a page, go without them. */
const Chart = dynamic(() => import("./time-series.tsx").then((module) => module.TimeSeries), {
  ssr: false,
});

/** Drawn anew when what it shows changed: tiles are rendered with each pushed frame, charts once a second. */
export const LazyTimeSeries = memo((props: TimeSeriesProps) => (
  <div className="chart-slot" style={{ minHeight: props.height }}>
    <Chart {...props} />
  </div>
));
LazyTimeSeries.displayName = "LazyTimeSeries";
