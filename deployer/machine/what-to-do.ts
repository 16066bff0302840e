import type { Deploy } from "./deploy.ts";
import { RULES, ruledBy, shareBp } from "./states.ts";
import { BASIS_POINTS } from "./strategy.ts";

/** Times in reasons: "12:03:04 UTC". Their day is that of the line in the history. */
export const timeText = (atMs: number): string =>
  `${new Date(atMs).toISOString().slice(11, 19)} UTC`;

const NEXT = "Correct the cause and deploy again.";

/** What becomes of the traffic and the tasks when the machine gives a release up, and what is left to do, for people. */
export function whatIsDone(deploy: Deploy): string {
  const { from, release } = deploy.plan;
  const { wayBack, tasks } = RULES[ruledBy(deploy)];
  if (wayBack === "revert") {
    return `${traffic(deploy)}; all of it goes back to ${from}, whose tasks are ready. ${NEXT}`;
  }
  const serves = from === null ? "nothing served before it" : `${from} serves as before`;
  const ends = tasks === "start-new" ? "its tasks are stopped" : "none of its tasks were started";
  return `No user had ${release}: ${ends}, and ${serves}. ${NEXT}`;
}

/** Between which commands a person chooses when the machine holds a deploy, because its one-off work failed or else. */
export function whatToDecide(deploy: Deploy, { workFailed }: { workFailed?: true }): string {
  const { from, release } = deploy.plan;
  const state = ruledBy(deploy);
  const { wayBack } = RULES[state];
  if (state === "contracting") {
    return `${release} serves in any case. ${workFailed ? "Resume runs the migration again; abort ends the deploy without it." : "Resume waits on for the migration; abort ends the deploy without waiting, and does not stop it."}`;
  }
  const now = shareBp(deploy) > 0 ? `${traffic(deploy)}. ` : "";
  const ways = {
    revert:
      from === null
        ? "abort ends it, and nothing serves then"
        : `roll back returns all traffic to ${from}`,
    undo: "abort ends the deploy",
    none: undefined,
  };
  const other = ways[wayBack];
  // What is held there has another plan than the one that was confirmed.
  const on = state === "waiting" ? `resume deploys ${release} all the same` : "resume tries again";
  return `${now}Nothing moves until a person decides: ${on}${other === undefined ? "" : `, ${other}`}.`;
}

function traffic(deploy: Deploy): string {
  const { times, plan } = deploy;
  const since = times.firstTrafficMs === null ? "" : ` since ${timeText(times.firstTrafficMs)}`;
  return `${plan.release} has had up to ${(100 * shareBp(deploy)) / BASIS_POINTS} % of the traffic${since}`;
}
