"use client";

import { useCallback, useEffect, useState } from "react";

import { type EventDocument, EventPage, type Problem } from "../api.ts";
import { asProblem, fetchJson } from "../client/fetch-json.ts";

export type EventPages = {
  events: EventDocument[];
  more: boolean;
  loading: boolean;
  problem: Problem | undefined;
  loadMore: () => void;
};

type State = { of: string; events: EventDocument[]; next: string | null; problem?: Problem };

const NONE: EventDocument[] = [];

/** The events of a search, newest first, a page at a time. */
export function useEvents(search: string): EventPages {
  const [state, setState] = useState<State>();
  const [asked, setAsked] = useState<{ of: string; after: string }>();
  const after = asked?.of === search ? asked.after : undefined;
  useEffect(() => {
    const abort = new AbortController();
    const url = `/api/events?${search}${after ? `&after=${encodeURIComponent(after)}` : ""}`;
    fetchJson(EventPage, url, { signal: abort.signal }).then(
      (page) =>
        setState((last) => {
          const before = after && last?.of === search ? last.events : NONE;
          return { of: search, events: [...before, ...page.events], next: page.next };
        }),
      (error: unknown) => {
        if (abort.signal.aborted) return;
        setState((last) => {
          const kept = last?.of === search ? last : { events: NONE, next: null };
          return { ...kept, of: search, problem: asProblem(error) };
        });
      },
    );
    return () => abort.abort();
  }, [search, after]);
  const current = state?.of === search ? state : undefined;
  const next = current?.next ?? null;
  const loadMore = useCallback(() => {
    if (next !== null) setAsked({ of: search, after: next });
  }, [next, search]);
  return {
    events: current?.events ?? NONE,
    more: next !== null,
    loading: !current || (after !== undefined && after === next),
    problem: current?.problem,
    loadMore,
  };
}
