import { expect, test } from "vitest";

import { type Evidence, simpleJudge } from "./judge.ts";
import { STRATEGY } from "./strategy.ts";

const judge = simpleJudge();
const lane = { requests: 1_000, errors: 1, latencyMsP95: 100 };
const GOOD: Evidence = {
  elapsedMs: STRATEGY.analyseMs,
  msMin: STRATEGY.analyseMs,
  strategy: STRATEGY,
  isMeasured: true,
  old: lane,
  new: lane,
  healthy: 2,
  wanted: 2,
};
const few = { ...lane, requests: 3, errors: 0 };
const late = { elapsedMs: STRATEGY.analyseMsMax };

test.each<[string, Partial<Evidence>, string, RegExp]>([
  ["no worse than the old release", {}, "advance", /no worse/],
  ["still in its time", { elapsedMs: 1 }, "wait", /not over/],
  ["with twice the errors of few", { new: { ...lane, errors: 2 } }, "advance", /no worse/],
  ["with many more errors", { new: { ...lane, errors: 20 } }, "roll-back", /2\.00 %.*0\.10 %/],
  ["a little slower", { new: { ...lane, latencyMsP95: 149 } }, "advance", /no worse/],
  ["much slower", { new: { ...lane, latencyMsP95: 151 } }, "roll-back", /151 ms, 100 ms/],
  [
    "that fails most requests before its time is over",
    { elapsedMs: 1, new: { ...lane, requests: 20, errors: 11 } },
    "roll-back",
    /55\.00 % of 20 requests/,
  ],
  ["with too few requests", { new: few }, "wait", /3 of the 100 requests/],
  ["with too few requests for too long", { new: few, ...late }, "hold", /3 of the 100/],
  [
    "whose requests cannot be counted",
    { isMeasured: false, new: { ...few, requests: 0 }, ...late },
    "hold",
    /cannot be measured/,
  ],
  ["with a missing task", { healthy: 1 }, "wait", /1 of 2/],
  ["with a missing task for too long", { healthy: 1, ...late }, "hold", /1 of 2/],
  [
    "that has nothing to be compared with",
    { old: { requests: 0, errors: 0, latencyMsP95: undefined }, new: { ...lane, errors: 20 } },
    "advance",
    /no worse/,
  ],
])("a release %s: %j → %s", (_name, more, ...[verdict, reason]) => {
  expect(judge({ ...GOOD, ...more })).toEqual({ verdict, reason: expect.stringMatching(reason) });
});

test.each(["advance", "hold", "roll-back"] as const)(
  "a step without enough requests ends by the policy %s of the strategy",
  (onInconclusive) => {
    const strategy = { ...STRATEGY, onInconclusive };
    expect(judge({ ...GOOD, ...late, strategy, new: few }).verdict).toBe(onInconclusive);
  },
);
