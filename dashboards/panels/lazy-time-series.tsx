"use client";

import dynamic from "next/dynamic";
import { memo } from "react";

import type { TimeSeriesProps } from "./time-series.tsx";

/** Charts render in the browser only, which keeps recharts out of the server bundle and the first load. */
const Chart = dynamic(() => import("./time-series.tsx").then((module) => module.TimeSeries), {
  ssr: false,
});

/** Memoised: tiles render with every pushed frame, charts only when their data changes. */
export const LazyTimeSeries = memo((props: TimeSeriesProps) => (
  <div className="chart-slot" style={{ minHeight: props.height }}>
    <Chart {...props} />
  </div>
));
LazyTimeSeries.displayName = "LazyTimeSeries";
