"use client";

import { useEffect, useRef, useState } from "react";

import { absolute, type RangeText } from "../time-range.ts";

type Pointed = { activeLabel?: string | number | undefined };

/** The chart reports the place of a finger from its second move on. */
const MOVES_IGNORED = 1;

/** Selects a range by dragging on a chart; `lastStepMs` extends it to the end of the last bar. */
export function useDrag(onZoom: (range: RangeText) => void, lastStepMs = 0) {
  const [area, setArea] = useState<[number, number]>();
  const moves = useRef(0);
  useEffect(() => {
    // The browser scrolls instead.
    const cancel = (): void => setArea(undefined);
    document.addEventListener("touchcancel", cancel);
    return () => document.removeEventListener("touchcancel", cancel);
  }, []);
  const finish = (): void => {
    if (area && area[0] !== area[1]) {
      onZoom(absolute(Math.min(...area), Math.max(...area) + lastStepMs));
    }
    setArea(undefined);
  };
  const handlers = {
    onMouseDown: ({ activeLabel }: Pointed) => {
      if (typeof activeLabel === "number") setArea([activeLabel, activeLabel]);
    },
    onMouseMove: ({ activeLabel }: Pointed) => {
      if (typeof activeLabel === "number") setArea((last) => last && [last[0], activeLabel]);
    },
    onMouseUp: finish,
    onMouseLeave: () => setArea(undefined),
    onTouchStart: () => {
      moves.current = 0;
      setArea(undefined);
    },
    onTouchMove: ({ activeLabel }: Pointed) => {
      moves.current += 1;
      if (typeof activeLabel !== "number" || moves.current <= MOVES_IGNORED) return;
      setArea((last) => [last?.[0] ?? activeLabel, activeLabel]);
    },
    onTouchEnd: finish,
  };
  return { area, handlers };
}
