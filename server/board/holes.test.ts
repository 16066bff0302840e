import { expect, test } from "vitest";

import { holesIn } from "./holes.ts";

const MINUTE_MS = 60_000;
const range = { fromMs: 0, toMs: 60 * MINUTE_MS };
const chart = { range, stepMs: MINUTE_MS };

test("a hole of a single event covers the step of the chart in which it is", () => {
  const atMs = 5 * MINUTE_MS + 1;
  expect(holesIn([{ fromMs: atMs, toMs: atMs, events: 1 }], chart)).toEqual([
    { fromMs: 5 * MINUTE_MS, toMs: 6 * MINUTE_MS, events: 1 },
  ]);
});

test("holes of many files are as many as the chart has steps, at most", () => {
  const holes = Array.from({ length: 5_000 }, (_, n) => {
    const fromMs = 10 * MINUTE_MS + n * 500;
    return { fromMs, toMs: fromMs + 400, dataset: "web", events: 2 };
  });
  const [joined, ...others] = holesIn(holes, chart);
  expect(others).toEqual([]);
  expect(joined).toMatchObject({ fromMs: 10 * MINUTE_MS, dataset: "web", events: 10_000 });
  expect(joined?.toMs).toBe(52 * MINUTE_MS);
});

test("holes of other ranges and datasets are left out; one of unknown dataset affects all", () => {
  const at = (minute: number, dataset?: string) => ({
    fromMs: minute * MINUTE_MS,
    toMs: (minute + 1) * MINUTE_MS - 1,
    ...(dataset === undefined ? {} : { dataset }),
    events: minute,
  });
  const holes = [at(3, "web"), at(20, "api"), at(40), at(90, "web")];
  const eventsOf = (dataset?: string): number[] =>
    holesIn(holes, { ...chart, dataset }).map(({ events }) => events);
  expect(eventsOf("web")).toEqual([3, 40]);
  expect(eventsOf()).toEqual([3, 20, 40]);
  expect(holesIn([at(3, "web"), at(4, "api")], chart)).toEqual([
    { fromMs: 3 * MINUTE_MS, toMs: 5 * MINUTE_MS, events: 7 },
  ]);
});
