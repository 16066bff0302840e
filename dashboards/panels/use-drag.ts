"use client";

import { useState } from "react";

import { absolute, type RangeText } from "../time-range.ts";

type Pointed = { activeLabel?: string | number | undefined };

/** Selects a range by dragging on a chart; `lastStepMs` extends it to the end of the last bar. */
export function useDrag(onZoom: (range: RangeText) => void, lastStepMs = 0) {
  const [area, setArea] = useState<[number, number]>();
  const handlers = {
    onMouseDown: ({ activeLabel }: Pointed) => {
      if (typeof activeLabel === "number") setArea([activeLabel, activeLabel]);
    },
    onMouseMove: ({ activeLabel }: Pointed) => {
      if (typeof activeLabel === "number") setArea((last) => last && [last[0], activeLabel]);
    },
    onMouseUp: () => {
      if (area && area[0] !== area[1]) {
        onZoom(absolute(Math.min(...area), Math.max(...area) + lastStepMs));
      }
      setArea(undefined);
    },
    onMouseLeave: () => setArea(undefined),
  };
  return { area, handlers };
}
