"use client";

import type { Board } from "../api.ts";
import type { Pages } from "../deploys/live-messages.ts";
import { useLive } from "../deploys/use-live.ts";
import type { DeployMarks } from "./deploy-marks.ts";
import { useDeployMarks } from "./use-deploy-marks.ts";

export type BoardDeploys = DeployMarks & {
  /** What runs of each workload that the member may see; undefined if that is not known. */
  fleet: BoardFleet | undefined;
};
export type BoardFleet = {
  workloads: Pages["board"]["fleet"];
  /** Whether newer numbers cannot be read. */
  isOutdated: boolean;
};

/** The deploys of the board's range, loaded again when one has changed, and the instances that the fleet runs. */
export function useBoardDeploys({ fromMs, toMs, live }: Board): BoardDeploys {
  const { content, problem, status } = useLive({ page: "board" });
  const marks = useDeployMarks({ fromMs, toMs, live, changed: content?.changed });
  const isOutdated = status === "lost" || problem !== undefined;
  return { ...marks, fleet: content && { workloads: content.fleet, isOutdated } };
}
