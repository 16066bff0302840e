import { withClocks } from "./clocks.ts";
import type { Deploy } from "./deploy.ts";
import type { Effect } from "./effects.ts";
import { findMove } from "./find-move.ts";
import { enter, workloadAfter } from "./move.ts";
import type { Scene, Situation } from "./observation.ts";
import { reconcile } from "./reconcile.ts";
import { assignSlots } from "./slots.ts";
import type { Workload } from "./workload.ts";

export type Decision = {
  workload: Workload;
  deploy: Deploy | undefined;
  /** To be sent after the records were persisted, together with the intent of each effect. */
  effects: Effect[];
};

type Input = Omit<Situation, "deploy"> & {
  deploy: Deploy | undefined;
  /** Targets to which a request is under way, or was rejected just now. */
  isBusy: (target: string) => boolean;
};

/**
 * The step of the state machine: from the persisted records and what is observed, the records to persist and the
 * effects to send. Pure, and repeatable at any time: with the same observation, the second call changes nothing but
 * what the first one asked for.
 */
export function next(input: Input): Decision {
  const scene = withSlots(input);
  const { deploy } = scene;
  const moved = deploy === undefined ? scene : move({ ...input, ...scene, deploy });
  return reconcile(moved, input.isBusy);
}

/** Tasks get their slots, and deaths are counted. */
function withSlots(input: Input): Scene {
  const { workload, deploy, seen, nowMs, limits } = input;
  const { slots, deaths } = assignSlots({ workload, deploy, seen, nowMs, limits });
  const isSame = slots.blue === workload.slots.blue && slots.green === workload.slots.green;
  return {
    workload: isSame ? workload : { ...workload, slots },
    deploy: deploy && deaths > 0 ? { ...deploy, deaths: deploy.deaths + deaths } : deploy,
    seen,
    nowMs,
    limits,
  };
}

/** At most one move in each call: the next one needs observations that were made in the new state. */
function move(situation: Situation): Scene {
  const { nowMs } = situation;
  const timed = withClocks(situation);
  const to = findMove(timed);
  if ("waits" in to) return timed;
  return {
    ...timed,
    workload: workloadAfter(timed.workload, timed.deploy, to.to),
    deploy: enter(timed.deploy, to, nowMs),
  };
}
