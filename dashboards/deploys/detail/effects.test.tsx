import { renderToStaticMarkup } from "react-dom/server";
import { expect, test } from "vitest";

import { Effects } from "./effects.tsx";

const without = (deploy: Parameters<typeof Effects>[0]["deploy"]): string =>
  renderToStaticMarkup(<Effects deploy={deploy} effects={[]} nowMs={9} />);

test("a deploy without effects has asked for nothing yet, unless it began and ended", () => {
  const nothing = "Nothing has been asked";
  expect(without({ startedMs: null, outcome: null })).toContain(nothing);
  expect(without({ startedMs: 5, outcome: null })).toContain(nothing);
  expect(without({ startedMs: null, outcome: "expired" })).toContain(nothing);
  expect(without({ startedMs: 5, outcome: "succeeded" })).toContain("not kept any more");
});
