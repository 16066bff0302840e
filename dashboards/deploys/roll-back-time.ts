import type { DeployDetail } from "./messages.ts";

/**
 * From the decision to roll back until all nodes sent all requests to the old release, in ms; undefined if that did not
 * happen.
 */
export function rollBackMsOf({ history }: Pick<DeployDetail, "history">): number | undefined {
  const at = history.findIndex(({ state }) => state === "reverting");
  const [from, to] = [history[at], history[at + 1]];
  return from === undefined || to === undefined ? undefined : to.atMs - from.atMs;
}
