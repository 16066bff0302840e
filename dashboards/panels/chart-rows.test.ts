import { expect, test } from "vitest";

import {
  boundaryIn,
  type Band,
  chartRows,
  filledRows,
  type Line,
  isolatedPoints,
} from "./chart-rows.ts";

const line = (key: string, points: Line["points"]): Line => ({
  key,
  label: key,
  color: "",
  points,
});

test("series of different steps share the rows of a chart, each without gaps", () => {
  const fine = line("fine", [
    [0, 1],
    [10, 2],
    [20, null],
    [30, 4],
  ]);
  const band: Band = {
    key: "band",
    label: "band",
    points: [
      [0, [0, 10]],
      [20, [2, 30]],
    ],
  };
  const rows = filledRows([fine], [band]);
  expect(rows.map((row) => row["fine"])).toEqual([1, 2, null, 4]);
  expect(rows.map((row) => row["band"])).toEqual([[0, 10], [1, 20], [2, 30], undefined]);
});

test("a gap in the measurements is a gap in the chart", () => {
  const rows = filledRows(
    [
      line("a", [
        [0, 1],
        [20, null],
        [40, 1],
      ]),
      line("b", [
        [10, 1],
        [30, 1],
      ]),
    ],
    [],
  );
  expect(rows.map((row) => row["a"])).toEqual([1, undefined, null, undefined, 1]);
});

test("the table of a chart has measured values only", () => {
  const rows = chartRows([line("a", [[0, 1]]), line("b", [[10, 2]])], []);
  expect(rows).toEqual([
    { tMs: 0, a: 1 },
    { tMs: 10, b: 2 },
  ]);
});

test("a point between two gaps is found, so that it can be drawn", () => {
  const points: Line["points"] = [
    [0, 1],
    [1, null],
    [2, 5],
    [3, null],
    [4, 1],
    [5, 1],
  ];
  expect(isolatedPoints(points)).toEqual([0, 2]);
});

test("the end of the data is marked where it is inside the chart, also if the range reaches into the future", () => {
  const range = { fromMs: 1000, toMs: 5000, live: false };
  expect(boundaryIn({ ...range, nowMs: 3000 })).toEqual({ atMs: 3000, label: "end of data" });
  expect(boundaryIn({ ...range, nowMs: 3000, live: true })?.label).toBe("now");
  expect(boundaryIn({ ...range, nowMs: 9000 })).toBeUndefined();
  expect(boundaryIn({ ...range, nowMs: 500 })).toBeUndefined();
  expect(boundaryIn(range)).toBeUndefined();
});
