import type { Deploy } from "../machine/deploy.ts";
import type { Observation } from "../machine/observation.ts";
import type { Workload } from "../machine/workload.ts";

/** What is going on with a workload. */
export type WorkloadStatus = {
  workload: Workload;
  active: Deploy | undefined;
  queue: Deploy[];
  /** Why the active deploy is where it is, for people. */
  waitsFor: string | undefined;
  seen: Observation;
};
