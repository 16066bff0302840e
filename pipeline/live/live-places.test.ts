import * as fc from "fast-check";
import { expect, test } from "vitest";

import { LivePlaces } from "./live-places.ts";

test("as many names as there are places all have one", () => {
  const places = new LivePlaces(8);
  for (let round = 0; round < 20; round += 1) {
    for (let i = 0; i < 8; i += 1) {
      expect(places.record(`name-${i}`, round * 30)).toEqual({ isPlaced: true });
    }
  }
});

test("a name that stays active gets a place among any number of others, whenever it comes", () => {
  fc.assert(
    fc.property(fc.nat({ max: 3000 }), fc.integer({ min: 1, max: 20 }), (before, between) => {
      const places = new LivePlaces(16);
      let others = 0;
      const other = () => places.record(`random-${(others += 1)}`, 0);
      for (let i = 0; i < before; i += 1) other();
      let placed = 0;
      for (let i = 0; i < 50; i += 1) {
        for (let j = 0; j < between; j += 1) other();
        if (places.record("steady", 0).isPlaced) placed += 1;
      }
      expect(placed).toBeGreaterThan(40);
    }),
  );
});

test("names without activity lose their places after some minutes", () => {
  const places = new LivePlaces(2);
  for (let i = 0; i < 1000; i += 1) for (const name of ["a", "b"]) places.record(name, 0);
  expect(places.record("c", 1)).toEqual({ isPlaced: false });
  for (let minute = 1; minute <= 20; minute += 1) places.record("a", minute * 60);
  expect(places.record("c", 1200)).toEqual({ isPlaced: true, removed: "b" });
});
