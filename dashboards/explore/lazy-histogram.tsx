"use client";

import dynamic from "next/dynamic";

import type { HistogramProps } from "./histogram.tsx";

const HEIGHT = 92;

/** Rendered only in the browser, like time series. */
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
