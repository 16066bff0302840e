"use client";

import { useEffect, useState } from "react";

import { systemClock } from "#platform/clock.ts";

import { onVisibility } from "./on-visibility.ts";

/**
 * The server's time, ticking once a second. The viewer's clock may be wrong, so it only measures the time since the
 * last timestamp from the server. Undefined before the first.
 */
export function useNow(serverMs: number | undefined): number | undefined {
  const [now, setNow] = useState<number>();
  useEffect(() => {
    if (serverMs === undefined) return;
    const skewMs = serverMs - systemClock.nowMs();
    const tick = (): void => {
      if (!document.hidden) setNow(systemClock.nowMs() + skewMs);
    };
    tick();
    const timer = setInterval(tick, 1000);
    const unwatch = onVisibility(tick);
    return () => {
      clearInterval(timer);
      unwatch();
    };
  }, [serverMs]);
  return now;
}
