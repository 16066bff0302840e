import * as fc from "fast-check";
import { expect, test } from "vitest";

import { cutText, fieldText, visibleParts, visibleText } from "./untrusted-text.ts";

test("a terminal escape is shown as text", () => {
  expect(visibleText("a\u001b[31mred")).toBe(String.raw`a\x1b[31mred`);
});

test("text that changes the reading direction is escaped", () => {
  expect(visibleText("/\u202Egpj.exe\u2066")).toBe(String.raw`/\u{202e}gpj.exe\u{2066}`);
});

test("line ends, NUL, zero-width characters and lone surrogates are visible", () => {
  expect(visibleText("a\r\nb\u0000\u200B\uD800")).toBe(String.raw`a\r\nb\x00\u{200b}\u{d800}`);
});

test("ordinary text of any script is unchanged", () => {
  const text = "GET /grüße?q=日本語 👩 <script>alert(1)</script>";
  expect(visibleParts(text)).toEqual([{ text, escaped: false }]);
});

test("the result has no invisible characters", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(visibleText(text)).not.toMatch(/[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]/u);
    }),
  );
});

test("a long value is truncated between characters, with the number of omitted characters", () => {
  expect(cutText("abc😀def", 4)).toEqual({ text: "abc", hidden: 5 });
  expect(cutText("abc", 4)).toEqual({ text: "abc", hidden: 0 });
});

test("every kind of field value has a text", () => {
  expect([1, null, ["a", "b"], { a: 1 }, undefined].map(fieldText)).toEqual([
    "1",
    "null",
    "a, b",
    '{"a":1}',
    "",
  ]);
});
