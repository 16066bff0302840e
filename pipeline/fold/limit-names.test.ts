import { expect, test } from "vitest";

import type { RollupCell } from "../rollup.ts";
import { OTHER, shortfallMax } from "../sketches/heavy-hitters.ts";
import { limitNames } from "./limit-names.ts";

const NAMES_MAX = 4096;
const cell = (key: string, value: number, t = 3600): RollupCell => ({
  levelS: 3600,
  t,
  dataset: "nginx.access",
  measure: "route",
  key,
  value,
});
const totalOf = (cells: readonly RollupCell[]): number =>
  cells.reduce((sum, { value }) => sum + value, 0);

test("as many names as are allowed stay exact", () => {
  const cells = Array.from({ length: NAMES_MAX }, (_, i) => cell(`2xx /${i}`, i + 1));
  expect(limitNames(cells, "route")).toEqual(cells);
});

test("of too many names the heaviest are kept in each hour and status class, and totals stay exact", () => {
  const scanned = Array.from({ length: 5000 }, (_, i) => cell(`4xx /scan-${i}`, 1));
  const cells = [
    ...scanned,
    ...scanned.map((one) => ({ ...one, t: 7200 })),
    cell("4xx /cart", 700),
    cell("2xx /cart", 15_000),
    cell("2xx /", 3),
    cell(`4xx ${OTHER}`, 9, 7200),
  ];
  const limited = limitNames(cells, "route");
  const of = (key: string, t: number) => limited.find((one) => one.key === key && one.t === t);
  expect(of("2xx /cart", 3600)?.value).toBe(15_000);
  expect(of("2xx /", 3600)?.value).toBe(3);
  expect(of("4xx /cart", 3600)?.value).toBe(699);
  const other = of(`4xx ${OTHER}`, 3600)?.value ?? 0;
  expect(shortfallMax(other, NAMES_MAX)).toBe(1);
  expect(of(`4xx ${OTHER}`, 7200)?.value).toBe(5009);
  expect(totalOf(limited)).toBe(totalOf(cells));
  expect(limited.filter(({ t }) => t === 3600).length).toBeLessThanOrEqual(NAMES_MAX + 3);
});

test("measures without names keep all their keys", () => {
  const cells = Array.from({ length: 9000 }, (_, i) => ({ ...cell(String(i), 1), measure: "x" }));
  expect(limitNames(cells, "x")).toHaveLength(9000);
});
