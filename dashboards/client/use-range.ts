"use client";

import { parseAsString, parseAsStringLiteral, useQueryStates } from "nuqs";
import { useCallback, useMemo } from "react";

import type { RangeText } from "../time-range.ts";
import type { Zone } from "../zone.ts";

const STATE = {
  from: parseAsString,
  to: parseAsString,
  dataset: parseAsString,
  tz: parseAsStringLiteral(["local", "utc"] as const).withDefault("local"),
};

export type RangeState = {
  from: string | null;
  to: string | null;
  dataset: string | null;
  zone: Zone;
  setRange: (range: RangeText | null) => void;
  setDataset: (dataset: string | null) => void;
  setZone: (zone: Zone) => void;
  /** `from=…&to=…&dataset=…` for a request; empty to let the server choose. */
  search: string;
};

/** Range, dataset and zone. The URL is their only state. */
export function useRange(): RangeState {
  const [{ from, to, dataset, tz }, set] = useQueryStates(STATE, { history: "push" });
  const setRange = useCallback(
    (range: RangeText | null) => void set({ from: range?.from ?? null, to: range?.to ?? null }),
    [set],
  );
  const setDataset = useCallback((name: string | null) => void set({ dataset: name }), [set]);
  const setZone = useCallback((zone: Zone) => void set({ tz: zone }), [set]);
  const search = useMemo(() => searchOf({ from, to, dataset }), [from, to, dataset]);
  return { from, to, dataset, zone: tz, setRange, setDataset, setZone, search };
}

/** A query string of the values that are set. */
export function searchOf(values: Record<string, string | null | undefined>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value) search.set(name, value);
  return search.toString();
}
