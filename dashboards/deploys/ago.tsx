"use client";

import { useIsHydrated } from "../client/use-is-hydrated.ts";
import { useRange } from "../client/use-range.ts";
import { formatAge } from "../format.ts";
import { formatDateTime, zoneName } from "../zone.ts";

type AgoProps = { atMs: number; nowMs: number | undefined };

/** A past time as its age, with the exact time on hover. */
export function Ago({ atMs, nowMs }: AgoProps) {
  const { zone } = useRange();
  const shown = useIsHydrated() ? zone : "utc";
  return (
    <time
      dateTime={new Date(atMs).toISOString()}
      title={`${formatDateTime(atMs, shown)} ${zoneName(shown, atMs)}`}
    >
      {formatAge(Math.max(0, (nowMs ?? atMs) - atMs))}
    </time>
  );
}

/** An exact time. */
export function At({ atMs }: { atMs: number }) {
  const { zone } = useRange();
  const shown = useIsHydrated() ? zone : "utc";
  return (
    <time dateTime={new Date(atMs).toISOString()} title={zoneName(shown, atMs)}>
      {formatDateTime(atMs, shown)}
    </time>
  );
}
