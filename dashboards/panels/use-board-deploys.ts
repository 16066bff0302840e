"use client";

import { useEffect, useMemo } from "react";

import type { Board } from "../api.ts";
import { useResource } from "../client/use-resource.ts";
import type { Pages } from "../deploys/live-messages.ts";
import { DeployMarkers } from "../deploys/markers.ts";
import { useLive } from "../deploys/use-live.ts";
import { type DeployMark, marksOf } from "./deploy-marks.ts";

export type BoardDeploys = {
  marks: readonly DeployMark[];
  isCut: boolean;
  /** What runs of each workload that the member may see; undefined if that is not known. */
  fleet: Pages["board"]["fleet"] | undefined;
};

/** Events reach the store after they were pushed, on a busy machine some seconds later. */
const STORED_AFTER_MS = [2_000, 10_000, 30_000];
const MINUTE_MS = 60_000;

/** The deploys of the board's range, loaded again when one has changed, and the instances that the fleet runs. */
export function useBoardDeploys({ fromMs, toMs, live }: Board): BoardDeploys {
  const { content } = useLive({ page: "board" });
  const changed = content?.changed;
  // A live range moves with each frame, faster than a busy machine answers.
  const from = live ? Math.floor(fromMs / MINUTE_MS) * MINUTE_MS : fromMs;
  const to = live ? "now" : String(toMs);
  const { data, reload } = useResource(DeployMarkers, `/api/deploy-markers?from=${from}&to=${to}`);
  useEffect(() => {
    if (changed === undefined) return undefined;
    const timers = STORED_AFTER_MS.map((ms) => setTimeout(reload, ms));
    return () => timers.forEach((timer) => clearTimeout(timer));
  }, [changed, reload]);
  const marks = useMemo(
    () => marksOf((data?.markers ?? []).filter(({ atMs }) => atMs >= fromMs)),
    [data, fromMs],
  );
  return { marks, isCut: data?.isCut ?? false, fleet: content?.fleet };
}
