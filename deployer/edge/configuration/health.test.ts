import { expect, test } from "vitest";

import { whyTooManyErrors, whyWorse } from "./health.ts";
import type { LaneHealth, NodeHealth } from "./port.ts";

const health = (blue: LaneHealth, template = "new"): NodeHealth => ({
  pid: 1,
  template,
  workloads: { web: { blue, green: { up: 0, status: null } } },
});
const well = health({ up: 2, status: 200 });

const down = health({ up: 0, status: null });

test.each<{ now: NodeHealth; before?: NodeHealth; why?: RegExp }>([
  { now: well },
  { now: health({ up: 2, status: 200 }, "old"), why: /reports .* old instead of new/ },
  { now: down, why: /web \(blue\): no task passes its checks/ },
  { now: health({ up: 1, status: 200 }) },
  { now: health({ up: 2, status: 403 }), why: /with 403; before it was 200/ },
  { now: health({ up: 0, status: 403 }), why: /with 403; before it was 200/ },
  { now: health({ up: 0, status: 503 }), why: /web \(blue\): no task passes its checks/ },
  { now: health({ up: 2, status: null }), why: /not at all; before it was 200/ },
  { now: { ...well, workloads: {} }, why: /web \(blue\)/ },
  { before: down, now: down },
  // What was refused before may be repaired.
  { before: health({ up: 1, status: 503 }), now: well },
])("$now.workloads.web.blue after $before.workloads.web.blue", ({ before = well, now, why }) => {
  const found = whyWorse(before, now, "new");
  if (why === undefined) expect(found).toBeUndefined();
  else expect(found).toMatch(why);
});

test("errors are too many from two on, and by more than one percent", () => {
  const none = { requests: 0, errors: 0 };
  expect(whyTooManyErrors(none, none)).toBeUndefined();
  expect(whyTooManyErrors(none, { requests: 1, errors: 1 })).toBeUndefined();
  expect(whyTooManyErrors(none, { requests: 100, errors: 2 })).toMatch(/2 of 100 .*2\.0 %/);
  expect(whyTooManyErrors(none, { requests: 200, errors: 2 })).toBeUndefined();
  const usual = { requests: 100, errors: 5 };
  expect(whyTooManyErrors(usual, { requests: 100, errors: 5 })).toBeUndefined();
  expect(whyTooManyErrors(usual, { requests: 100, errors: 7 })).toMatch(/before 5\.0 %/);
});
