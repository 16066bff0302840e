import { expect, test } from "vitest";

import type { Extent } from "#pipeline/store/port.ts";

import { shownDatasets } from "./shown-datasets.ts";

const extents = Array.from({ length: 50_000 }, (_, i): Extent => ({
  dataset: `random.${i}`,
  rows: i,
  fromMs: 1000 + i,
  toMs: 9000 - i,
}));

test("of 50,000 datasets the largest are listed, with the requested one and the range of all data", () => {
  const shown = shownDatasets(extents, "random.7");
  expect(shown.length).toBeLessThanOrEqual(203);
  expect(shown).toContain(extents[7]);
  expect(shown).toContain(extents[49_999]);
  expect(shown).toContain(extents[49_800]);
  expect(Math.min(...shown.map(({ fromMs }) => fromMs))).toBe(1000);
  expect(Math.max(...shown.map(({ toMs }) => toMs))).toBe(9000);
});

test("a few datasets are all listed", () => {
  expect(shownDatasets(extents.slice(0, 200), undefined)).toEqual(extents.slice(0, 200));
});
