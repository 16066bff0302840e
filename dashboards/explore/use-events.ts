"use client";

import { useCallback, useEffect, useMemo, useState } from "react";

import { type EventDocument, EventPage, type Problem } from "../api.ts";
import { asProblem, fetchJson } from "../client/fetch-json.ts";

export type EventPages = {
  events: EventDocument[];
  more: boolean;
  loading: boolean;
  problem: Problem | undefined;
  loadMore: () => void;
  /** Retries the page that failed to load. */
  retry: () => void;
  /** Reloads the newest page; the current events are shown until it has loaded. */
  reload: () => void;
};

type State = { of: string; events: EventDocument[]; next: string | null; problem?: Problem };

type PageRequest = { of: string; after: string | undefined };

const NONE: EventDocument[] = [];

/** The events of a search, newest first, by pages. */
export function useEvents(search: string): EventPages {
  const [state, setState] = useState<State>();
  const [requested, setRequested] = useState<PageRequest>({ of: search, after: undefined });
  const request = useMemo(
    () => (requested.of === search ? requested : { of: search, after: undefined }),
    [requested, search],
  );
  useEffect(() => {
    const { of, after } = request;
    const abort = new AbortController();
    const url = `/api/events?${of}${after ? `&after=${encodeURIComponent(after)}` : ""}`;
    fetchJson(EventPage, url, { signal: abort.signal }).then(
      (page) =>
        setState((last) => {
          const before = after && last?.of === of ? last.events : NONE;
          return { of, events: [...before, ...page.events], next: page.next };
        }),
      (error: unknown) => {
        if (abort.signal.aborted) return;
        setState((last) => {
          const kept = last?.of === of ? last : { events: NONE, next: null };
          return { ...kept, of, problem: asProblem(error) };
        });
      },
    );
    return () => abort.abort();
  }, [request]);
  const current = state?.of === search ? state : undefined;
  const next = current?.next ?? null;
  const loadMore = useCallback(() => {
    const isRequested = (last: PageRequest): boolean => last.of === search && last.after === next;
    if (next !== null)
      setRequested((last) => (isRequested(last) ? last : { of: search, after: next }));
  }, [next, search]);
  const retry = useCallback(() => setRequested({ ...request }), [request]);
  const reload = useCallback(() => setRequested({ of: search, after: undefined }), [search]);
  return {
    events: current?.events ?? NONE,
    more: next !== null,
    loading: !current || (next !== null && request.after === next),
    problem: current?.problem,
    loadMore,
    retry,
    reload,
  };
}
