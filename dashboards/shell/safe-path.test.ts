import * as fc from "fast-check";
import { expect, test } from "vitest";

import { safePath } from "./safe-path.ts";

const HERE = "http://quarterdeck.test";

test("a path of this site is kept", () => {
  expect(safePath("/explore?q=status%3A500")).toBe("/explore?q=status%3A500");
  expect(safePath(undefined)).toBe("/");
});

test("no path leads to another site", () => {
  const odd = [
    "//evil.test",
    "/\\evil.test",
    "https://evil.test",
    "javascript:alert(1)",
    "/\t/e.test",
  ];
  for (const text of odd) expect(safePath(text)).toBe("/");
  const pieces = fc.constantFrom("/", "\\", "\t", "evil.test", ":", "@", ".", "javascript:", "?");
  fc.assert(
    fc.property(fc.array(pieces), (parts) => {
      expect(new URL(safePath(parts.join("")), HERE).origin).toBe(HERE);
    }),
  );
});
