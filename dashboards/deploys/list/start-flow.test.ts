import { expect, test } from "vitest";

import type { PlanAnswer } from "../messages.ts";
import { afterStep, NO_PLAN, type StartStep } from "./start-flow.ts";

const answer: PlanAnswer = {
  plan: {
    workload: "billing",
    release: "r2",
    from: "r1",
    oldColour: "blue",
    newColour: "green",
    count: 1,
    stepsBp: [10_000],
    migrations: { expand: false, contract: false },
    strategy: {
      kind: "all-at-once",
      analyseMs: 0,
      analyseMsMax: 0,
      requestsMin: 0,
      onInconclusive: "advance",
      bakeMs: 0,
      drainMs: 0,
      warmUp: false,
      contractAfterMs: 0,
    },
  },
  hash: "0123456789abcdef",
  programs: "releases",
  sentences: [],
  waits: [],
};
const refusal = (status: number) => ({ type: "about:blank", title: "Refused", status });

const after = (...steps: StartStep[]) => steps.reduce(afterStep, NO_PLAN);
const ask = (key: string): StartStep => ({ kind: "ask", key });
const planned = (key: string): StartStep => ({ kind: "planned", answer, key });
const change: StartStep = { kind: "change" };
const start: StartStep = { kind: "start" };
const notStarted = (status: number): StartStep => ({
  kind: "not-started",
  problem: refusal(status),
});

test("a plan that is another one by now is asked for again, and its refusal ends with that", () => {
  const refused = after(ask("a"), planned("a"), start, notStarted(412));
  expect(refused).toEqual({ ...NO_PLAN, problem: refusal(412) });
  expect(afterStep(refused, ask("b"))).toEqual({ ...NO_PLAN, asked: "b" });
});

test("after any other refusal the same plan may be started again with its key", () => {
  const { shown, problem, isStarting } = after(ask("a"), planned("a"), start, notStarted(503));
  expect({ shown, problem, isStarting }).toEqual({
    shown: { answer, key: "a" },
    problem: refusal(503),
    isStarting: false,
  });
});

test("the plan of values that were changed while it was fetched is not shown", () => {
  expect(after(ask("a"), change, planned("a")).shown).toBeUndefined();
  expect(after(ask("a"), change, ask("b"), planned("a")).shown).toBeUndefined();
  expect(after(ask("a"), change, ask("b"), planned("b"), planned("a")).shown?.key).toBe("b");
  const late: StartStep = { kind: "not-planned", key: "a", problem: refusal(422) };
  expect(after(ask("a"), change, ask("b"), late)).toEqual({ ...NO_PLAN, asked: "b" });
});

test("what is wrong stays beside its field while it is corrected", () => {
  const refused: StartStep = { kind: "not-planned", key: "a", problem: refusal(422) };
  expect(after(ask("a"), refused, change).problem).toEqual(refusal(422));
});
