import type { Problem } from "#dashboards/api.ts";

import type { PlanAnswer } from "../messages.ts";

/** A plan that is shown, and the key with which repetitions of its start are one deploy. */
export type ShownPlan = { answer: PlanAnswer; key: string };

/** How far somebody who starts a deploy is: nothing can be started but the plan that is shown. */
export type StartFlow = {
  /** The key of the plan that is being fetched. */
  asked: string | undefined;
  shown: ShownPlan | undefined;
  isStarting: boolean;
  /** Why the newest request was refused. */
  problem: Problem | undefined;
};

export type StartStep =
  | { kind: "ask"; key: string }
  | ({ kind: "planned" } & ShownPlan)
  | { kind: "not-planned"; key: string; problem: Problem }
  /** The form has other values than the plan. */
  | { kind: "change" }
  | { kind: "start" }
  | { kind: "not-started"; problem: Problem };

export const NO_PLAN: StartFlow = {
  asked: undefined,
  shown: undefined,
  isStarting: false,
  problem: undefined,
};

/** The plan is another one by now. */
const PRECONDITION_FAILED = 412;

/** Answers to requests that were overtaken by a change or by another request do not count. */
export function afterStep(flow: StartFlow, step: StartStep): StartFlow {
  switch (step.kind) {
    case "ask":
      return { ...NO_PLAN, asked: step.key };
    case "planned": {
      const { answer, key } = step;
      return flow.asked === key ? { ...NO_PLAN, shown: { answer, key } } : flow;
    }
    case "not-planned":
      return flow.asked === step.key ? { ...NO_PLAN, problem: step.problem } : flow;
    case "change":
      return { ...flow, asked: undefined, shown: undefined };
    case "start":
      return { ...flow, isStarting: true, problem: undefined };
    case "not-started": {
      const { problem } = step;
      const shown = problem.status === PRECONDITION_FAILED ? undefined : flow.shown;
      return { ...flow, isStarting: false, shown, problem };
    }
  }
}
