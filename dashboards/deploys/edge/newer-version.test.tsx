import { renderToStaticMarkup } from "react-dom/server";
import { expect, test } from "vitest";

import { NewerVersion } from "./newer-version.tsx";

test("a draft that is based on another version than the nodes have leads to the difference", () => {
  const shown = (base: number, current: number): string =>
    renderToStaticMarkup(
      <NewerVersion base={base} current={current} onCompare={() => undefined} />,
    );
  expect(shown(3, 3)).toBe("");
  expect(shown(3, 4)).toContain("All nodes have version 4 by now.");
  expect(shown(3, 4)).toContain("Compare with it");
});
