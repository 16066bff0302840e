"use client";

import { useCallback, useEffect, useMemo, useState } from "react";
import type { z } from "zod";

import type { Problem } from "../api.ts";
import { asProblem, fetchJson } from "./fetch-json.ts";

export type Resource<T> = {
  /** The newest answer; the last one stays while the next is under way. */
  data: T | undefined;
  problem: Problem | undefined;
  /** What is shown belongs to another URL. Asking the same one again is quiet. */
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
/** No answer at all, or one that says that the server is not up: asked again without being told. */
const AWAY = new Set([0, 502, 503, 504]);
const RETRY_MS = 5000;

/** What a URL answers, asked again when the URL changes or on reload. Signed out, it leads to the sign-in page. */
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
        if (problem.status === UNAUTHENTICATED) return leadToSignIn();
        if (AWAY.has(problem.status)) retry = setTimeout(again, RETRY_MS);
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

function leadToSignIn(): void {
  const { pathname, search } = globalThis.location;
  globalThis.location.assign(`/sign-in?next=${encodeURIComponent(pathname + search)}`);
}
