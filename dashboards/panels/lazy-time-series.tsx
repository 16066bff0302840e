"use client";

import dynamic from "next/dynamic";

import type { TimeSeriesProps } from "./time-series.tsx";

/** Charts are drawn in the browser alone: the server's bundle, and the first bytes of a page, go without them. */
const Chart = dynamic(() => import("./time-series.tsx").then((module) => module.TimeSeries), {
  ssr: false,
});

export function LazyTimeSeries(props: TimeSeriesProps) {
  return (
    <div style={{ height: props.height }}>
      <Chart {...props} />
    </div>
  );
}
