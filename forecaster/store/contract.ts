import { expect, test } from "vitest";

import type { ForecastIssue } from "../issue.ts";
import type { ForecastStore } from "./port.ts";

const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 2, 14);
const series = { dataset: "nginx.access", count: "requests" } as const;

type IssueOptions = { atHour: number; hours: number; mean: number; history?: string };

function issueOf({ atHour, hours, mean, history = "h" }: IssueOptions): ForecastIssue {
  const values = Array.from({ length: hours }, () => mean);
  return {
    series,
    history,
    forecast: {
      model: "seasonal ensemble",
      startMs: START_MS + atHour * HOUR_MS,
      stepMs: HOUR_MS,
      mean: values,
      intervals: [{ level: 95, lower: values.map((it) => it / 2), upper: values }],
      sum: { mean: mean * hours, intervals: [{ level: 95, lower: 0, upper: mean * hours }] },
      score: { origins: 28, mase: 0.7, coverage: [{ level: 95, ratio: 0.94 }] },
    },
  };
}

const keyAt = (atHour: number, horizon: number) => ({
  series,
  stepMs: HOUR_MS,
  issuedMs: START_MS + atHour * HOUR_MS,
  horizon,
});

/** The issues that the store returns for a range of hours, as [hour of issue, mean]. */
async function asOf(store: ForecastStore, [from, to]: [number, number], atHour: number) {
  const found = await store.asOf({
    series,
    stepMs: HOUR_MS,
    fromMs: START_MS + from * HOUR_MS,
    toMs: START_MS + to * HOUR_MS,
    asOfMs: START_MS + atHour * HOUR_MS,
  });
  return found.map(({ forecast }) => [(forecast.startMs - START_MS) / HOUR_MS, forecast.mean[0]]);
}

/** The contract of every forecast store. */
export function testForecastStore(open: () => Promise<ForecastStore>): void {
  test("a saved issue is found by its key, unchanged", async () => {
    await using store = await open();
    const issue = issueOf({ atHour: 3, hours: 6, mean: 12.5 });
    await store.save(issue);
    expect(await store.find(keyAt(3, 6))).toEqual(issue);
    expect(await store.find(keyAt(3, 7))).toBeUndefined();
    expect(await store.find(keyAt(4, 6))).toBeUndefined();
    const other = {
      ...keyAt(3, 6),
      series: { dataset: "apache.access", count: "requests" },
    } as const;
    expect(await store.find(other)).toBeUndefined();
  });

  test("an issue replaces an earlier one with the same key", async () => {
    await using store = await open();
    await store.save(issueOf({ atHour: 0, hours: 2, mean: 1, history: "before" }));
    await store.save(issueOf({ atHour: 0, hours: 2, mean: 2, history: "after" }));
    expect((await store.find(keyAt(0, 2)))?.history).toBe("after");
    expect(await asOf(store, [0, 2], 0)).toEqual([[0, 2]]);
  });

  test("a request as of a time ignores issues of later times", async () => {
    await using store = await open();
    for (const atHour of [0, 6, 12]) {
      await store.save(issueOf({ atHour, hours: 12, mean: atHour + 1 }));
    }
    expect(await asOf(store, [8, 12], 5)).toEqual([[0, 1]]);
    expect(await asOf(store, [8, 12], 6)).toEqual([[6, 7]]);
    expect(await asOf(store, [0, 24], 12)).toEqual([
      [0, 1],
      [6, 7],
      [12, 13],
    ]);
    expect(await asOf(store, [30, 31], 12)).toEqual([]);
    expect(await asOf(store, [0, 1], -1)).toEqual([]);
  });

  test("an older issue provides the steps that a newer one does not cover", async () => {
    await using store = await open();
    await store.save(issueOf({ atHour: 0, hours: 24, mean: 1 }));
    await store.save(issueOf({ atHour: 4, hours: 2, mean: 2 }));
    expect(await asOf(store, [4, 10], 5)).toEqual([
      [0, 1],
      [4, 2],
    ]);
  });

  test("an issue of a week is found on each of its days", async () => {
    await using store = await open();
    await store.save(issueOf({ atHour: 0, hours: 7 * 24, mean: 3 }));
    const lastDay: [number, number] = [6 * 24, 7 * 24];
    expect(await asOf(store, lastDay, 6 * 24)).toEqual([[0, 3]]);
    expect(await asOf(store, [7 * 24, 8 * 24], 6 * 24)).toEqual([]);
  });

  test.each(["..", ".", "a/../../b", "x".repeat(400), "né 漢", "\u0000", "\uD800"])(
    "a dataset may have any name: %j",
    async (dataset) => {
      await using store = await open();
      const issue = {
        ...issueOf({ atHour: 0, hours: 1, mean: 1 }),
        series: { ...series, dataset },
      };
      await store.save(issue);
      expect(await store.find({ ...keyAt(0, 1), series: issue.series })).toEqual(issue);
    },
  );

  test("concurrently saved issues are all stored", async () => {
    await using store = await open();
    const hours = Array.from({ length: 60 }, (_, hour) => hour);
    await Promise.all(hours.map((atHour) => store.save(issueOf({ atHour, hours: 1, mean: 1 }))));
    const found = await Promise.all(hours.map((hour) => store.find(keyAt(hour, 1))));
    expect(found.filter((issue) => issue === undefined)).toEqual([]);
  });
}
