"use client";

import { useEffect, useState } from "react";

import type { Problem } from "../api.ts";
import { asProblem, fetchJson, jsonBody } from "../client/fetch-json.ts";
import { TrialAnswer } from "./messages.ts";

const TYPING_MS = 250;

export type Trial = { answer: TrialAnswer | undefined; problem: Problem | undefined };

/** What a pattern makes of lines, asked again when a person has stopped typing. The last answer is kept until then. */
export function useTrial(pattern: string, lines: string): Trial {
  const [trial, setTrial] = useState<Trial>({ answer: undefined, problem: undefined });
  const isEmpty = pattern === "" || lines.trim() === "";
  useEffect(() => {
    if (isEmpty) return;
    const abort = new AbortController();
    const timer = setTimeout(() => {
      const init = { ...jsonBody("POST", { pattern, lines }), signal: abort.signal };
      fetchJson(TrialAnswer, "/api/formats/test", init).then(
        (answer) => setTrial({ answer, problem: undefined }),
        (error: unknown) => {
          if (!abort.signal.aborted) setTrial({ answer: undefined, problem: asProblem(error) });
        },
      );
    }, TYPING_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [pattern, lines, isEmpty]);
  return isEmpty ? { answer: undefined, problem: undefined } : trial;
}
