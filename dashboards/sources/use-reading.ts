"use client";

import { useEffect, useState } from "react";

import type { Reprocessing } from "./reprocessing-messages.ts";

const POLL_MS = 500;

/** The reading of stored lines again, as a person follows it who may start one. */
export type Reading = {
  /** Whether one runs, whoever has started it. */
  isRunning: boolean;
  progress: Reprocessing["progress"];
  /** The result of the one that this person has started, once it has ended. */
  result: Reprocessing["last"];
  /** To be called when this person has started one. */
  started(): void;
};

/** Follows the state, which `reload` loads again, while stored lines are read. */
export function useReading(state: Reprocessing | undefined, reload: () => void): Reading {
  /** When the one before had ended; undefined until this person has started one. */
  const [before, setBefore] = useState<number>();
  const last = state?.last ?? null;
  const endedMs = last?.endedMs ?? 0;
  const isRunning = state?.isRunning === true || endedMs === before;
  useEffect(() => {
    if (!isRunning) return;
    const timer = setInterval(reload, POLL_MS);
    return () => clearInterval(timer);
  }, [isRunning, reload]);
  return {
    isRunning,
    progress: state?.progress ?? null,
    result: before !== undefined && !isRunning ? last : null,
    started() {
      setBefore(endedMs);
      reload();
    },
  };
}
