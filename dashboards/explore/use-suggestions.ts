"use client";

import { useEffect, useState } from "react";

import { SearchSuggestions } from "../api.ts";
import { fetchJson } from "../client/fetch-json.ts";

const PAUSE_MS = 120;
const NONE: SearchSuggestions = { from: 0, options: [] };

/** Suggestions for the text before the caret; none without it, and while they load or cannot be loaded. */
export function useSuggestions(before: string | undefined): SearchSuggestions {
  const [loaded, setLoaded] = useState<{ of: string; suggestions: SearchSuggestions }>();
  useEffect(() => {
    if (before === undefined || before === "") return undefined;
    const abort = new AbortController();
    const timer = setTimeout(() => {
      const range = rangeOfPage();
      range.set("q", before);
      fetchJson(SearchSuggestions, `/api/events/suggestions?${range}`, {
        signal: abort.signal,
      }).then(
        (suggestions) => setLoaded({ of: before, suggestions }),
        // Searching works without suggestions, for example for members who may not see events.
        () => setLoaded(undefined),
      );
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [before]);
  return loaded && loaded.of === before ? loaded.suggestions : NONE;
}

/** The range of the page, from its URL. */
function rangeOfPage(): URLSearchParams {
  const given = new URLSearchParams(globalThis.location.search);
  const range = new URLSearchParams();
  for (const name of ["from", "to"]) {
    const value = given.get(name);
    if (value !== null) range.set(name, value);
  }
  return range;
}
