import { expect, test } from "vitest";

import { testDeploy } from "#deployer/journal/testing-records.ts";
import { summaryOf } from "#server/deploys/views/summary.ts";

import { effectsText } from "./text.ts";

test("a deploy without effects has not begun, or is so old that they were deleted", () => {
  const none = { effects: [] };
  const queued = summaryOf(testDeploy("dep_1", "queued"));
  expect(effectsText(none, queued)).toMatch(/Nothing has been asked/);
  const ended = { ...queued, outcome: "succeeded", startedMs: 5 } as const;
  expect(effectsText(none, ended)).toMatch(/not kept any more: those of the newest 200 deploys/);
  expect(effectsText(none, { ...ended, outcome: "expired", startedMs: null })).toMatch(/Nothing/);
});
