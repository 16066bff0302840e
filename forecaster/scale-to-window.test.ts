import { expect, test } from "vitest";

import { scaleToWindow } from "./scale-to-window.ts";

const forecast = {
  startMs: 1_000,
  stepMs: 100,
  mean: [10, 20, 30],
  sum: { mean: 66, intervals: [{ level: 95, lower: 33, upper: 99 }] },
};

test("a step that is partly in the window counts by its part", () => {
  // Half of the first step and the whole second one.
  const scaled = scaleToWindow(forecast, { fromMs: 1_050, toMs: 1_200 });
  expect(scaled?.mean).toBeCloseTo(25);
  expect(scaled?.lower).toBeCloseTo(12.5);
  expect(scaled?.upper).toBeCloseTo(37.5);
});

test("where nothing is expected, the interval is scaled by time", () => {
  const sum = { mean: 0, intervals: [{ level: 95, lower: 0, upper: 9 }] };
  const quiet = { ...forecast, mean: [0, 0, 0], sum };
  expect(scaleToWindow(quiet, { fromMs: 1_000, toMs: 1_100 })).toEqual({
    mean: 0,
    lower: 0,
    upper: 3,
  });
});

test("there is no answer without the 95 % interval", () => {
  const narrow = { mean: 66, intervals: [{ level: 80, lower: 40, upper: 90 }] };
  const window = { fromMs: 1_000, toMs: 1_300 };
  expect(scaleToWindow({ ...forecast, sum: narrow }, window)).toBeNull();
});
