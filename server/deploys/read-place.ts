import { AppError } from "#platform/errors.ts";

import type { DeploysSettings } from "../settings.ts";
import { type EcsPlace, readEcsFile } from "./ecs/ecs-file.ts";

/**
 * Where tasks run on Amazon ECS; undefined if they are processes of this machine.
 * @throws AppError bad_request if the settings do not fit together, or with a mistake in `ecs.yaml`
 */
export function readPlace(
  { ecsRegion, edge, dataFolder }: DeploysSettings,
  atStop: "stop-tasks" | "keep-tasks",
): EcsPlace | undefined {
  if (ecsRegion === undefined) return undefined;
  if (edge === "local") {
    const message =
      "QUARTERDECK_ECS_REGION needs QUARTERDECK_EDGE=remote with nodes in the VPC of the tasks, or QUARTERDECK_EDGE=haproxy on a machine there: the local edge is made of tasks of this machine (docs/edge.md).";
    throw new AppError("bad_request", message);
  }
  if (atStop === "stop-tasks") {
    const message =
      "--stop-tasks is for tasks of this machine, and QUARTERDECK_ECS_REGION is set: those on Amazon ECS serve on when this process ends.";
    throw new AppError("bad_request", message);
  }
  return readEcsFile(dataFolder, ecsRegion);
}
