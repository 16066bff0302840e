import { expect, test } from "vitest";

import { expectedWords, gapWords, predictionWords } from "./prediction-words.ts";

const expected = { mean: 10, lower: 6.2, upper: 14.1 };

test("a count inside the interval is as predicted; beyond it the direction and size are said", () => {
  expect(gapWords(12, expected)).toEqual({ text: "as predicted", beyond: false });
  expect(gapWords(31, expected)).toEqual({ text: "21 more than predicted", beyond: true });
  expect(gapWords(1, expected)).toEqual({ text: "9 fewer than predicted", beyond: true });
  expect(gapWords(1, null).text).toBe("no prediction yet");
  expect(expectedWords(expected)).toBe("10 (6–14)");
});

test("the prediction's measured quality is said in words", () => {
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
    predictionWords({ ...ready, tMs: [], mean: [], bands: [], coverage: [...ready.coverage] }),
  ).toBe(
    'Measured on this series: 80 % band held 79 %, 95 % band held 94.3 %; 38 % less error than "same time last season" (MASE 0.62)',
  );
  expect(predictionWords({ status: "learning", reason: "needs two full days, has 3 h" })).toBe(
    "Prediction is learning: needs two full days, has 3 h",
  );
});
