"use client";

import { useEffect, useMemo } from "react";

import { useResource } from "../client/use-resource.ts";
import { DeployMarkers } from "../deploys/markers.ts";
import { type DeployMarks, marksOf } from "./deploy-marks.ts";

/** `changed`: is another one when a deploy has changed; undefined if nothing tells. */
type Options = { fromMs: number; toMs: number; live: boolean; changed: string | undefined };

/** Events reach the store after they were pushed, on a busy machine some seconds later. */
const STORED_AFTER_MS = [2_000, 10_000, 30_000];
const MINUTE_MS = 60_000;

/** The deploys of a range that charts mark, of workloads that the member may see; loaded again each minute of a live range. */
export function useDeployMarks({ fromMs, toMs, live, changed }: Options): DeployMarks {
  // A live range moves with each frame, faster than a busy machine answers.
  const from = live ? Math.floor(fromMs / MINUTE_MS) * MINUTE_MS : fromMs;
  const to = live ? "now" : String(toMs);
  const { data, reload } = useResource(DeployMarkers, `/api/deploy-markers?from=${from}&to=${to}`);
  useEffect(() => {
    if (changed === undefined) return undefined;
    const timers = STORED_AFTER_MS.map((ms) => setTimeout(reload, ms));
    return () => timers.forEach((timer) => clearTimeout(timer));
  }, [changed, reload]);
  return useMemo(() => {
    const { markers = [], isCut = false } = data ?? {};
    return marksOf({ markers: markers.filter(({ atMs }) => atMs >= fromMs), isCut });
  }, [data, fromMs]);
}
