import { expect, test } from "vitest";

import { sourceOf } from "./source-of.ts";

test("an IPv6 network counts as one source, whatever addresses its host chooses", () => {
  expect(sourceOf("2001:db8:1:2:3:4:5:6")).toBe(sourceOf("2001:db8:1:2::9"));
  expect(sourceOf("2001:db8:1:3::1")).not.toBe(sourceOf("2001:db8:1:2::1"));
  expect(sourceOf("::ffff:192.0.2.1")).toBe("192.0.2.1");
  expect(sourceOf("::1")).toBe("0:0:0:0::/64");
});
