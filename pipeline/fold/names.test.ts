import * as fc from "fast-check";
import { expect, test } from "vitest";

import { TextColumn } from "#collectors/text-column.ts";

import { nameIn, shortName } from "./names.ts";

const bytesOf = (text: string): number => Buffer.byteLength(text);

test("short names stay as they are", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 40 }), (text) => {
      expect(shortName(text, 160)).toBe(text);
    }),
  );
});

test("long names are shortened to whole characters, and different ones stay different", () => {
  const tail = fc.string({ maxLength: 9 });
  const unit = fc.constantFrom("x", "ü", "漢", "😀", "\u202e", "\u0000");
  fc.assert(
    fc.property(unit, fc.nat({ max: 3 }), tail, tail, (repeated, lead, one, two) => {
      const long = "a".repeat(lead) + repeated.repeat(600);
      const [first, second] = [shortName(long + one, 160), shortName(long + two, 160)];
      expect(bytesOf(first)).toBeLessThanOrEqual(160);
      expect(first).not.toContain("\ufffd");
      expect(first === second).toBe(one === two);
    }),
  );
});

test("half of a surrogate pair does not break a long name", () => {
  const name = shortName("\ud800".repeat(400), 160);
  expect(bytesOf(name)).toBeLessThanOrEqual(160);
});

test("a name of a megabyte in a column is short, with a hash of all of it", () => {
  const column = new TextColumn(2);
  const long = "/a".repeat(524_288);
  column.putText(0, `${long}1`);
  column.putText(1, `${long}2`);
  expect(bytesOf(nameIn(column, 1))).toBeLessThanOrEqual(512);
  expect(nameIn(column, 1)).not.toBe(nameIn(column, 2));
});
