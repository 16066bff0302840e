import type { DeploySummary } from "#dashboards/deploys/messages.ts";
import { AppError } from "#platform/errors.ts";

/**
 * The deploy that a way back takes back when none is under way, of those that have ended, the newest first: the last one, and no
 * earlier one, as people mean what they saw last. Deploys of the release that serves already changed none.
 * @throws AppError not_found if there is none, conflict if what serves is the release before already
 */
export function takenBack(
  workload: string,
  deploys: readonly DeploySummary[],
): DeploySummary & { from: string } {
  const changing = deploys.filter(isChange);
  const [last] = changing;
  if (last === undefined) {
    const advice = "quarterdeck deploys lists those that have ended";
    throw new AppError("not_found", `No deploy of ${workload} is under way: ${advice}.`);
  }
  const { id, release, from, label } = last;
  const other = `Another release is deployed by quarterdeck deploy ${workload} RELEASE`;
  if (last.outcome !== "succeeded") {
    const message = `The last deploy of ${workload} (${id}, ${release}) ${label}: the release before it serves, ${from}, and there is nothing to take back. ${other}.`;
    throw new AppError("conflict", message);
  }
  if (isWayBack(changing.filter(({ outcome }) => outcome === "succeeded"))) {
    const message = `The last deploy of ${workload} (${id}) went back from ${from} to ${release} already. ${other}; for the one that was taken back: quarterdeck deploy ${workload} ${from}.`;
    throw new AppError("conflict", message);
  }
  return last;
}

const isChange = (deploy: DeploySummary): deploy is DeploySummary & { from: string } =>
  deploy.from !== null && deploy.from !== deploy.release;

/** Whether the first of these, the newest first, only undid the one before. */
function isWayBack([last, before, ...earlier]: readonly DeploySummary[]): boolean {
  if (last === undefined || before === undefined) return false;
  const undoes = last.release === before.from && last.from === before.release;
  return undoes && !isWayBack([before, ...earlier]);
}
