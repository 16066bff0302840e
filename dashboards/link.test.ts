import { expect, test } from "vitest";

import { linkTo } from "./link.ts";

const PAGE = "http://127.0.0.1:4600/explore?q=status%3E%3D500&from=now-1h&to=now&tz=utc";

test("a copied link has an absolute range and keeps everything else", () => {
  const link = new URL(linkTo(PAGE, { from: "1709629800000", to: "1709630400000" }));
  expect(link.pathname).toBe("/explore");
  expect(Object.fromEntries(link.searchParams)).toEqual({
    q: "status>=500",
    from: "1709629800000",
    to: "1709630400000",
    tz: "utc",
  });
});

test("a link without a range leaves the choice to the server", () => {
  const link = new URL(linkTo(PAGE, null));
  expect([...link.searchParams.keys()]).toEqual(["q", "tz"]);
});
