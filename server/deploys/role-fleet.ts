import type { FleetClient } from "#deployer/fleet/fleet-client.ts";
import type { OutputOf } from "#deployer/fleet/task-output.ts";

import type { FleetPace } from "./pace.ts";

/** The fleet to which the role deploys. */
export type RoleFleet = {
  client: FleetClient;
  /** What tasks are and where, for people, after "Tasks are". */
  place: string;
  outputOf: OutputOf;
  pace: FleetPace;
  /** Ends the connection to the tasks, which go on unless they are to stop. */
  close(tasks: "stop-tasks" | "keep-tasks"): Promise<void>;
};
