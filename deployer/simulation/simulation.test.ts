import * as fc from "fast-check";
import { expect, test } from "vitest";

import { QUIET } from "./scenario.ts";
import { simulate } from "./simulate.ts";

test("a deploy to which nothing happens succeeds", async () => {
  const { violations, deploys, log } = await simulate(QUIET);
  expect(violations, log.join("\n")).toEqual([]);
  expect(deploys.map(({ state }) => state)).toEqual(["succeeded"]);
});
void fc;
