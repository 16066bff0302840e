"use client";

import dynamic from "next/dynamic";

import type { HistogramProps } from "./histogram.tsx";

const HEIGHT = 92;

/** Rendered in the browser only, as time series are. */
const Chart = dynamic(() => import("./histogram.tsx").then((module) => module.Histogram), {
  ssr: false,
});

export function LazyHistogram(props: Omit<HistogramProps, "height">) {
  return (
    <div style={{ height: HEIGHT }}>
      <Chart {...props} height={HEIGHT} />
    </div>
  );
}
