"use client";

import { useState } from "react";

import type { Problem } from "../api.ts";
import { asProblem, jsonBody, send } from "../client/fetch-json.ts";

export type Change = {
  isBusy: boolean;
  problem: Problem | undefined;
  /** Sends a change, and calls `done` when it is made. */
  run(request: ChangeRequest, done: (response: Response) => void | Promise<void>): void;
};

type ChangeRequest = {
  method: string;
  url: string;
  body?: unknown;
  headers?: Readonly<Record<string, string>>;
};

/** A change that a person makes, with its progress and why it was refused. */
export function useChange(): Change {
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  return {
    isBusy,
    problem,
    run({ method, url, body, headers = {} }, done) {
      setBusy(true);
      setProblem(undefined);
      void attempt();

      async function attempt(): Promise<void> {
        try {
          const init = body === undefined ? { method } : jsonBody(method, body);
          const all = new Headers(init.headers);
          for (const [name, value] of Object.entries(headers)) all.set(name, value);
          await done(await send(url, { ...init, headers: all }));
        } catch (error) {
          setProblem(asProblem(error));
        }
        setBusy(false);
      }
    },
  };
}
