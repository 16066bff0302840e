"use client";

import { useEffect, useRef } from "react";

import type { EventOverview } from "../api.ts";
import type { Resource } from "../client/use-resource.ts";

const WAIT_MS_MIN = 5_000;
/** The counts of a live search take at most this share of the time, as each reads the events again. */
const BUSY_SHARE_MAX = 0.1;

/** Loads the counts of a live search again and again, so that they follow the tail. */
export function useReloads({ data, reload }: Resource<EventOverview>): void {
  const askedMs = useRef(0);
  useEffect(() => {
    if (!data?.live) return;
    const tookMs = askedMs.current === 0 ? 0 : performance.now() - askedMs.current;
    const timer = setInterval(
      () => {
        if (document.hidden) return;
        clearInterval(timer);
        askedMs.current = performance.now();
        reload();
      },
      Math.max(WAIT_MS_MIN, tookMs / BUSY_SHARE_MAX),
    );
    return () => clearInterval(timer);
  }, [data, reload]);
}
