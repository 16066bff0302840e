"use client";

import { useCallback, useEffect, useMemo, useState } from "react";
import type { z } from "zod";

import type { Problem } from "../api.ts";
import { asProblem, fetchJson } from "./fetch-json.ts";
import { redirectToSignIn } from "./session-end.ts";

export type Resource<T> = {
  /** The latest response, kept while the next one loads. */
  data: T | undefined;
  problem: Problem | undefined;
  /** Whether the data belongs to another URL; false while the same URL is reloaded. */
  loading: boolean;
  reload: () => void;
};

type Request = { url: string; attempt: number };
type Loaded<T> = {
  data: T | undefined;
  problem: Problem | undefined;
  settled: Request | undefined;
};

const UNAUTHENTICATED = 401;
/** The server does not respond or is not ready, so the request is retried automatically. */
const UNAVAILABLE = new Set([0, 502, 503, 504]);
const RETRY_MS = 5000;

/** Fetches a URL, again when it changes or on reload. Redirects to the sign-in page when signed out. */
export function useResource<T>(schema: z.ZodType<T>, url: string): Resource<T> {
  const [attempt, setAttempt] = useState(0);
  const again = useCallback(() => setAttempt((last) => last + 1), []);
  const [loaded, setLoaded] = useState<Loaded<T>>({
    data: undefined,
    problem: undefined,
    settled: undefined,
  });
  const request = useMemo((): Request => ({ url, attempt }), [url, attempt]);
  useEffect(() => {
    const abort = new AbortController();
    let retry: ReturnType<typeof setTimeout> | undefined;
    fetchJson(schema, request.url, { signal: abort.signal }).then(
      (data) => setLoaded({ data, problem: undefined, settled: request }),
      (error: unknown) => {
        if (abort.signal.aborted) return;
        const problem = asProblem(error);
        if (problem.status === UNAUTHENTICATED) return redirectToSignIn();
        if (UNAVAILABLE.has(problem.status)) retry = setTimeout(again, RETRY_MS);
        setLoaded((last) => ({ ...last, problem, settled: request }));
      },
    );
    return () => {
      abort.abort();
      clearTimeout(retry);
    };
  }, [schema, request, again]);
  return {
    data: loaded.data,
    problem: loaded.problem,
    loading: loaded.settled?.url !== url,
    reload: again,
  };
}
