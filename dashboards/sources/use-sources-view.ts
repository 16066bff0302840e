"use client";

import { parseAsInteger, parseAsString, parseAsStringLiteral } from "nuqs";
import { useMemo } from "react";

import { useUrlState } from "../client/url-state.ts";
import { searchOf } from "../client/use-range.ts";
import { GROUPS, ROWS_DEFAULT, SORTS, SOURCE_STATES } from "./messages.ts";

const STATE = {
  find: parseAsString.withDefault(""),
  state: parseAsStringLiteral(SOURCE_STATES),
  sort: parseAsStringLiteral(SORTS).withDefault("state"),
  group: parseAsStringLiteral(GROUPS).withDefault("none"),
  source: parseAsString,
  /** The kind of the source that is added; empty while none is chosen. */
  add: parseAsString,
  /** The path whose quarantined lines are shown; empty for all. */
  quarantine: parseAsString,
  rows: parseAsInteger.withDefault(ROWS_DEFAULT),
};

/** Search, order, groups and the opened source. The URL is their only state. */
export function useSourcesView() {
  const [{ find, state, sort, group, source, rows, add, quarantine }, set] = useUrlState(STATE);
  return useMemo(() => {
    const wire = { q: find, state, sort, group, source, limit: String(rows) };
    const search = searchOf(wire);
    return { find, state, sort, group, source, rows, add, quarantine, search, set };
  }, [find, state, sort, group, source, rows, add, quarantine, set]);
}

export type SourcesViewState = ReturnType<typeof useSourcesView>;
