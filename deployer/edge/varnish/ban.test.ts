import * as fc from "fast-check";
import { expect, test } from "vitest";

import { type Ban, banCommand } from "./ban.ts";

test.each<[Ban, string]>([
  [
    { kind: "url", host: "Shop.test", url: "/a?b=1" },
    'ban obj.http.x-url == "/a?b=1" && obj.http.x-host == "shop.test"',
  ],
  [
    { kind: "tag", tag: "product.7" },
    String.raw`ban obj.http.cache-tag ~ "(^|[,\\s])product[.]7($|[,\\s])"`,
  ],
  [
    { kind: "release", workload: "billing", release: "r41" },
    'ban obj.http.x-workload == "billing" && obj.http.x-key-release == "r41"',
  ],
])("%j", (ban, command) => {
  expect(banCommand(ban)).toBe(command);
});

test("no text ends its argument or adds a condition", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[!-~]+$/), (text) => {
      const command = banCommand({ kind: "url", host: "h", url: `/${text}` });
      const [, inner = ""] =
        /^ban obj\.http\.x-url == "((?:[^"\\]|\\.)*)" && [^"]*"h"$/.exec(command) ?? [];
      expect(inner.replaceAll(/\\(.)/g, "$1")).toBe(`/${text}`);
    }),
  );
});

test.each<[Ban, RegExp]>([
  [{ kind: "url", host: "h", url: "no-slash" }, /url must start with \//],
  [{ kind: "url", host: "h", url: "/a\nvcl.use x" }, /url .*without spaces/],
  [{ kind: "url", host: "", url: "/" }, /host/],
  [{ kind: "tag", tag: "a b" }, /tag/],
  [{ kind: "tag", tag: ".*|" }, /tag/],
  [{ kind: "release", workload: "w", release: "" }, /release/],
])("%j is refused with the field", (ban, why) => {
  expect(() => banCommand(ban)).toThrow(why);
});
