import { expect, test } from "vitest";

import type { DeploySummary } from "#dashboards/deploys/messages.ts";
import { testDeploy } from "#deployer/journal/testing-records.ts";
import { summaryOf } from "#server/deploys/views/summary.ts";

import { takenBack } from "./taken-back.ts";

type Outcome = DeploySummary["outcome"];

/** From oldest to newest: from, to, outcome. */
const history = (
  ...ended: readonly (readonly [string | null, string, Outcome?])[]
): DeploySummary[] =>
  ended
    .map(([from, release, outcome = "succeeded"], index) => {
      const summary = summaryOf(testDeploy(`dep_${index}`, "succeeded"));
      return { ...summary, id: `dep_${index}`, workload: "web", from, release, outcome };
    })
    .toReversed();

const FIRST = [null, "r1"] as const;
const SECOND = ["r1", "r2"] as const;

test("the last deploy is taken back, whether the same release was deployed again or not", () => {
  expect(takenBack("web", history(FIRST, SECOND))).toMatchObject({ release: "r2", from: "r1" });
  expect(takenBack("web", history(FIRST, SECOND, ["r2", "r2"]))).toMatchObject({ from: "r1" });
});

test.each(["rolled-back", "failed", "aborted", "expired"] as const)(
  "after one that %s the good release is not taken back",
  (outcome) => {
    const deploys = history(FIRST, SECOND, ["r2", "r3", outcome]);
    expect(() => takenBack("web", deploys)).toThrow(
      /\(dep_2, r3\) .*: the release before it serves, r2, and there is nothing to take back\. .* quarterdeck deploy web RELEASE/,
    );
  },
);

test("a way back is not taken back, unless its release was deployed again", () => {
  const back = ["r2", "r1"] as const;
  expect(() => takenBack("web", history(FIRST, SECOND, back))).toThrow(
    /went back from r2 to r1 already\. .*: quarterdeck deploy web r2\./,
  );
  expect(takenBack("web", history(FIRST, SECOND, back, SECOND))).toMatchObject({ from: "r1" });
});

test("a first release has none before it", () => {
  expect(() => takenBack("web", history(FIRST))).toThrow(/No deploy of web is under way/);
});
