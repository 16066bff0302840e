import type { Change } from "../journal/port.ts";
import type { Limits } from "../machine/limits.ts";
import { leaveQueue, queueOf, takeTurn } from "../machine/queue.ts";
import { signalOf } from "../machine/train.ts";
import type { Workload } from "../machine/workload.ts";
import type { LoadedRecords } from "./records.ts";
import { bumped } from "./workload-loop.ts";

/** The change by which the head of a workload's queue starts or leaves it; undefined if it may not now. */
export function turnOf(
  { deploys, trains }: LoadedRecords,
  workload: Workload,
  { nowMs, limits }: { nowMs: number; limits: Limits },
): Change | undefined {
  const queue = queueOf(deploys.values(), workload.name);
  for (const [index, deploy] of queue.entries()) {
    const train = trains.get(deploy.train ?? "");
    const signal = train && signalOf(train, deploy, deploys);
    const cancelled = signal?.signal === "cancel" ? signal.reason : undefined;
    const gone = leaveQueue(deploy, { nowMs, limits, cancelled });
    if (gone !== undefined) return { deploys: [bumped(gone)] };
    if (index > 0 || signal?.signal === "wait") continue;
    const turn = takeTurn(workload, queue, nowMs);
    if (turn === undefined) continue;
    return { workloads: [bumped(turn.workload)], deploys: [bumped(turn.deploy)] };
  }
  return undefined;
}
