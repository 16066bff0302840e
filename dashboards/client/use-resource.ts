"use client";

import { useCallback, useEffect, useState } from "react";
import type { z } from "zod";

import type { Problem } from "../api.ts";
import { asProblem, fetchJson } from "./fetch-json.ts";

export type Resource<T> = {
  /** The newest answer; the last one stays while the next is under way. */
  data: T | undefined;
  problem: Problem | undefined;
  loading: boolean;
  reload: () => void;
};

type Loaded<T> = { data: T | undefined; problem: Problem | undefined; settled: string | undefined };

const UNAUTHENTICATED = 401;

/** What a URL answers, asked again when the URL changes or on reload. Signed out, it leads to the sign-in page. */
export function useResource<T>(schema: z.ZodType<T>, url: string): Resource<T> {
  const [attempt, setAttempt] = useState(0);
  const [loaded, setLoaded] = useState<Loaded<T>>({
    data: undefined,
    problem: undefined,
    settled: undefined,
  });
  const request = `${attempt} ${url}`;
  useEffect(() => {
    const abort = new AbortController();
    fetchJson(schema, url, { signal: abort.signal }).then(
      (data) => setLoaded({ data, problem: undefined, settled: request }),
      (error: unknown) => {
        if (abort.signal.aborted) return;
        const problem = asProblem(error);
        if (problem.status === UNAUTHENTICATED) return leadToSignIn();
        setLoaded((last) => ({ ...last, problem, settled: request }));
      },
    );
    return () => abort.abort();
  }, [schema, url, request]);
  const reload = useCallback(() => setAttempt((last) => last + 1), []);
  return {
    data: loaded.data,
    problem: loaded.problem,
    loading: loaded.settled !== request,
    reload,
  };
}

function leadToSignIn(): void {
  const { pathname, search } = globalThis.location;
  globalThis.location.assign(`/sign-in?next=${encodeURIComponent(pathname + search)}`);
}
