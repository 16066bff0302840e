import type { FreezeView } from "#dashboards/deploys/messages.ts";

import type { Deploys } from "../follow-deploys.ts";

/** Whether somebody may see a workload; undefined: all of them. */
type IsSeen = (workload: string | undefined) => boolean;

/** To what a list of deploys is narrowed before it is cut. Who may see all also sees those of workloads that were removed. */
export async function seenWorkloads(
  deploys: Pick<Deploys, "ask">,
  isSeen: IsSeen,
): Promise<{ workloads?: string[] }> {
  if (isSeen(undefined)) return {};
  const all = await deploys.ask("workloads", {});
  return { workloads: all.map(({ name }) => name).filter(isSeen) };
}

/** Freezes of all workloads, and of those that may be seen, without the names of others. */
export const seenFreezes = <Freeze extends Pick<FreezeView, "workloads">>(
  freezes: readonly Freeze[],
  isSeen: IsSeen,
): Freeze[] =>
  freezes.flatMap((freeze) => {
    const workloads = freeze.workloads.filter(isSeen);
    const isHidden = workloads.length === 0 && freeze.workloads.length > 0;
    return isHidden ? [] : [{ ...freeze, workloads }];
  });
