import type { WorkloadStatus } from "#deployer/engine/workload-status.ts";
import type { Deploy } from "#deployer/machine/deploy.ts";
import { newWorkload } from "#deployer/machine/workload.ts";

/** What holds a deploy whose workload is not in the files any more. */
export const removedText = ({ workload }: Deploy): string =>
  `${workload} is not in workloads.yaml any more, so that nobody goes on with its deploy: describe it there again and restart.`;

/** Of a workload that is not in the files any more, so that nothing of it is read; as far as this deploy shows it. */
export const removedStatus = (deploy: Deploy): WorkloadStatus => ({
  workload: newWorkload(deploy.workload, 0),
  active: deploy.times.doneMs === null ? deploy : undefined,
  queue: [],
  waitsFor: removedText(deploy),
  seen: {
    fleet: undefined,
    fleetProblem: undefined,
    nodes: undefined,
    oneOff: undefined,
    traffic: undefined,
  },
});
