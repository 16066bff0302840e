import { describe, expect, test } from "vitest";

import { DAY_HOURS, expectInvariants, hourly, ready, reasonOf, visitors } from "./simulated.ts";

describe("with too little history", () => {
  test("the reason names the history that is needed and the history there is", () => {
    expect(reasonOf(hourly(visitors(11, 51)))).toBe("needs two full days of history, has 11 h");
    expect(reasonOf(hourly(visitors(47, 51)))).toBe("needs two full days of history, has 1 d 23 h");
    expect(reasonOf(hourly([]))).toBe("needs two full days of history, has no value yet");
    expect(reasonOf(hourly([null, NaN]))).toBe("needs two full days of history, has no value yet");
  });

  test("the time before the first value does not count as history", () => {
    const empty = Array.from({ length: 200 }, () => null);
    expect(reasonOf(hourly([...empty, ...visitors(11, 52)]))).toMatch(/has 11 h$/);
  });

  test("gaps do not count as measured", () => {
    const values = Array.from({ length: 100 }, (_, t) => (t % 10 === 0 ? 5 : null));
    expect(reasonOf(hourly(values))).toBe(
      "needs 1 d of measured values in its history, has 10 h; the rest are gaps",
    );
  });

  test("two days are enough for a forecast from the daily season", () => {
    const request = hourly(visitors(48, 53), 24);
    expectInvariants(request, ready(request));
  });

  test("with little more than a week only the daily season is used, as one weekend proves no weekly season", () => {
    const request = hourly(visitors(10 * DAY_HOURS, 54), 24);
    const withoutWeek = { ...request, seasonalities: [DAY_HOURS] };
    expect(ready(request).mean).toEqual(ready(withoutWeek).mean);
  });

  test("an impossible request is rejected with the reason", () => {
    expect(reasonOf(hourly(visitors(100, 55), 0))).toMatch(/a horizon of one step or more/);
    expect(reasonOf(hourly(visitors(100, 55), 1e6))).toMatch(/at most 16 d 16 h ahead/);
    expect(reasonOf(hourly(visitors(100, 55), 5, { seasonalities: [] }))).toMatch(/a season/);
  });
});
