"use client";

import { parseAsString, parseAsStringLiteral } from "nuqs";
import { useCallback } from "react";

import { systemClock } from "#platform/clock.ts";

import { wallClock, toEpochMs } from "../zone.ts";
import { useUrlState } from "./url-state.ts";

const COMPARISONS = ["previous", "week"] as const;
type Comparing = (typeof COMPARISONS)[number];

const STATE = {
  by: parseAsString,
  compare: parseAsStringLiteral(COMPARISONS),
  from: parseAsString,
  to: parseAsString,
};

export type BoardView = {
  /** The field of the break-down. */
  by: string | null;
  compare: Comparing | null;
  setBy: (field: string | null) => void;
  setCompare: (to: Comparing | null) => void;
  /** Shows the day so far, compared with the same time last week. */
  compareToday: () => void;
};

/** Break-down and comparison of the board. The URL is their only state. */
export function useBoardView(zone: "local" | "utc"): BoardView {
  const [{ by, compare }, set] = useUrlState(STATE);
  const setBy = useCallback((field: string | null) => void set({ by: field || null }), [set]);
  const setCompare = useCallback((to: Comparing | null) => void set({ compare: to }), [set]);
  const compareToday = useCallback(() => {
    const clock = wallClock(systemClock.nowMs(), zone);
    const midnightMs = toEpochMs({ ...clock, hour: 0, minute: 0, second: 0 }, zone);
    void set({ from: String(midnightMs), to: "now", compare: "week" });
  }, [set, zone]);
  return { by, compare, setBy, setCompare, compareToday };
}
