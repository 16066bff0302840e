import { describe, expect, test } from "vitest";

import type { Points } from "./chart-rows.ts";
import { expectedText, deviationText, predictionText, verdictOn } from "./prediction-text.ts";

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

describe("the verdict on a predicted rate", () => {
  const MINUTE_MS = 60_000;
  const minutes = Array.from({ length: 60 }, (_, minute) => minute * MINUTE_MS);
  const hour = { fromMs: 0, toMs: 60 * MINUTE_MS, measuredToMs: 60 * MINUTE_MS };
  const predictionOf = (mean: number) => ({
    status: "ready" as const,
    model: "seasonal",
    issuedMs: 0,
    stepMs: MINUTE_MS,
    tMs: minutes,
    mean: minutes.map(() => mean),
    bands: [{ level: 95, lower: minutes.map(() => mean / 2), upper: minutes.map(() => mean * 2) }],
    mase: null,
    coverage: [],
  });
  const rates = (rate: (minute: number) => number | null): Points =>
    minutes.map((tMs, minute) => [tMs, rate(minute)]);

  test("is “as predicted” while the steps are inside the band, with few exceptions", () => {
    const few = rates((minute) => (minute % 20 === 0 ? 21 : 10));
    expect(verdictOn(few, predictionOf(10), hour)).toEqual({ text: "as predicted", beyond: false });
  });

  test("says how much more or fewer, also against a prediction of 0", () => {
    expect(
      verdictOn(
        rates(() => 1650),
        predictionOf(0),
        hour,
      ),
    ).toEqual({
      text: "1.65 k req/s more than the 0 req/s predicted, 60 of 60 steps outside the 95 % band",
      beyond: true,
    });
    expect(
      verdictOn(
        rates(() => 1),
        predictionOf(10),
        hour,
      )?.text,
    ).toMatch(/^9 req\/s fewer than the 10 req\/s predicted/);
  });

  test("names many steps outside the band although their mean is inside", () => {
    const alternating = rates((minute) => (minute % 2 === 0 ? 1 : 18));
    expect(verdictOn(alternating, predictionOf(10), hour)).toEqual({
      text: "as predicted on average, but 30 of 60 steps outside the 95 % band",
      beyond: true,
    });
  });

  test("covers no time that has not come, was not measured, or is outside the range", () => {
    const stopped = rates((minute) => (minute < 30 ? 10 : 0));
    const until = (minute: number) => ({ ...hour, measuredToMs: minute * MINUTE_MS });
    expect(verdictOn(stopped, predictionOf(10), until(30))?.text).toBe("as predicted");
    expect(verdictOn(stopped, predictionOf(10), until(30.5))?.text).toBe("as predicted");
    expect(verdictOn(stopped, predictionOf(10), until(0))).toBeUndefined();
    expect(
      verdictOn(
        rates(() => null),
        predictionOf(10),
        hour,
      ),
    ).toBeUndefined();
    const firstHalf = { ...hour, toMs: 30 * MINUTE_MS };
    expect(verdictOn(stopped, predictionOf(10), firstHalf)?.text).toBe("as predicted");
  });

  test("averages measured values of shorter steps", () => {
    const seconds = Array.from({ length: 720 }, (_, at): Points[number] => [
      at * 5_000,
      at % 12 === 0 ? 120 : 0,
    ]);
    expect(verdictOn(seconds, predictionOf(10), hour)?.text).toBe("as predicted");
  });

  test("is left out while the prediction is learned", () => {
    const learning = { status: "learning", reason: "needs two full days" } as const;
    expect(
      verdictOn(
        rates(() => 5),
        learning,
        hour,
      ),
    ).toBeUndefined();
  });
});
