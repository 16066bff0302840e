"use client";

import { useState } from "react";

import type { Problem } from "../api.ts";
import { asProblem, jsonBody, send } from "../client/fetch-json.ts";

export type Change = {
  isBusy: boolean;
  problem: Problem | undefined;
  /** Sends a change, and calls `done` when it is made. */
  run(request: { method: string; url: string; body?: unknown }, done: () => void): void;
};

/** A change that a person makes, with its progress and why it was refused. */
export function useChange(): Change {
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  return {
    isBusy,
    problem,
    run({ method, url, body }, done) {
      setBusy(true);
      setProblem(undefined);
      void attempt();

      async function attempt(): Promise<void> {
        try {
          await send(url, body === undefined ? { method } : jsonBody(method, body));
          done();
        } catch (error) {
          setProblem(asProblem(error));
        }
        setBusy(false);
      }
    },
  };
}
