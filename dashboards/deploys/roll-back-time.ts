import type { DeployDetail } from "./messages.ts";

type RolledBack = Pick<DeployDetail, "history"> & {
  deploy: Pick<DeployDetail["deploy"], "recoveredMs">;
};

/**
 * From the decision to roll back until all nodes sent all requests to the old release, in ms; undefined if that did not
 * happen.
 */
export function rollBackMsOf({ history, deploy: { recoveredMs } }: RolledBack): number | undefined {
  const decided = history.find(({ state }) => state === "reverting");
  return decided === undefined || recoveredMs === null ? undefined : recoveredMs - decided.atMs;
}
