import { expect, test } from "vitest";

import { expectedText, deviationText, predictionText } from "./prediction-text.ts";

const expected = { mean: 10, lower: 6.2, upper: 14.1 };

test("a count inside the interval is as predicted; outside it the direction and size of the deviation are shown", () => {
  expect(deviationText(12, expected)).toEqual({ text: "as predicted", beyond: false });
  expect(deviationText(31, expected)).toEqual({ text: "21 more than predicted", beyond: true });
  expect(deviationText(1, expected)).toEqual({ text: "9 fewer than predicted", beyond: true });
  expect(deviationText(1, null).text).toBe("no prediction yet");
  expect(expectedText(expected)).toBe("10 (6–14)");
});

test("the measured quality of the prediction is shown in words", () => {
  const ready = {
    status: "ready",
    model: "seasonal",
    issuedMs: 0,
    stepMs: 60_000,
    tMs: [],
    mean: [],
    bands: [],
    mase: 0.62,
    coverage: [
      { level: 80, ratio: 0.79 },
      { level: 95, ratio: 0.943 },
    ],
  } as const;
  expect(
    predictionText({ ...ready, tMs: [], mean: [], bands: [], coverage: [...ready.coverage] }),
  ).toBe(
    'Measured on this series: 80 % band held 79 %, 95 % band held 94.3 %; 38 % less error than "same time last season" (MASE 0.62)',
  );
  expect(predictionText({ status: "learning", reason: "needs two full days, has 3 h" })).toBe(
    "No prediction yet: needs two full days, has 3 h",
  );
});
