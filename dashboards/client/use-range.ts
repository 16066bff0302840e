"use client";

import { parseAsString, parseAsStringLiteral } from "nuqs";
import { useCallback, useMemo } from "react";

import type { RangeText } from "../time-range.ts";
import type { Zone } from "../zone.ts";
import { useUrlState } from "./url-state.ts";

const STATE = {
  from: parseAsString,
  to: parseAsString,
  dataset: parseAsString,
  q: parseAsString,
  tz: parseAsStringLiteral(["local", "utc"] as const).withDefault("local"),
};

export type RangeState = {
  from: string | null;
  to: string | null;
  dataset: string | null;
  /** The query that filters the board and the events. */
  q: string;
  zone: Zone;
  setRange: (range: RangeText | null) => void;
  setDataset: (dataset: string | null) => void;
  setQuery: (query: string) => void;
  setZone: (zone: Zone) => void;
  /** `from=…&to=…&dataset=…&q=…` for a request; empty to let the server choose. */
  search: string;
};

/** Range, dataset, query and zone. The URL is their only state. */
export function useRange(): RangeState {
  const [{ from, to, dataset, q, tz }, set] = useUrlState(STATE);
  const setRange = useCallback(
    (range: RangeText | null) => void set({ from: range?.from ?? null, to: range?.to ?? null }),
    [set],
  );
  const setDataset = useCallback((name: string | null) => void set({ dataset: name }), [set]);
  const setQuery = useCallback((query: string) => void set({ q: query || null }), [set]);
  const setZone = useCallback((zone: Zone) => void set({ tz: zone }), [set]);
  const search = useMemo(() => searchOf({ from, to, dataset, q }), [from, to, dataset, q]);
  const state = { from, to, dataset, q: q ?? "", zone: tz, search };
  return { ...state, setRange, setDataset, setQuery, setZone };
}

/** A query string of the values that are set. */
export function searchOf(values: Record<string, string | null | undefined>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value) search.set(name, value);
  return search.toString();
}
