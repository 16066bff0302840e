import { expect, test } from "vitest";

import { Freeze, freezeOf, problemsOf } from "./freezes.ts";

const WEEKEND: Freeze = {
  id: "freeze_1",
  version: 1,
  name: "Weekend",
  workloads: [],
  period: { kind: "recurring", start: "0 16 * * 5", end: "0 7 * * 1", timezone: "Europe/Madrid" },
};

test.each([
  ["2026-11-27T14:59:59Z", false],
  ["2026-11-27T15:00:00Z", true],
  ["2026-11-29T12:00:00Z", true],
  ["2026-11-30T05:59:59Z", true],
  ["2026-11-30T06:00:00Z", false],
  // In summer Madrid is two hours ahead of UTC.
  ["2026-07-03T13:59:59Z", false],
  ["2026-07-03T14:00:00Z", true],
])("a freeze of weekends in Madrid at %s: %s", (time, isFrozen) => {
  const reason = freezeOf([WEEKEND], "billing", Date.parse(time));
  expect(reason !== undefined).toBe(isFrozen);
  if (isFrozen) expect(reason).toMatch(/frozen until 20.*: Weekend/);
});

test("a freeze once, of one workload, ends by itself", () => {
  const freeze: Freeze = {
    ...WEEKEND,
    name: "Sale",
    workloads: ["billing"],
    period: { kind: "once", fromMs: 1_000, untilMs: 2_000 },
  };
  const at = (nowMs: number, workload = "billing") => freezeOf([freeze], workload, nowMs);
  expect([at(999), at(2_000), at(1_500, "accounts")]).toEqual([undefined, undefined, undefined]);
  expect(at(1_000)).toBe("Deploys are frozen until 1970-01-01T00:00:02.000Z: Sale");
});

test.each([
  [{ start: "0 16 * *" }, "period.start", /cron expression/],
  [{ timezone: "Europe/Nowhere" }, "period.start", /time zone/],
  [{ end: "0 0 30 2 *" }, "period.end", /cron expression/],
  [{ end: "2026-12-24T16:00:00" }, "period.end", /in the future/],
])("%j cannot be added in 2027", (more, path, message) => {
  const freeze = Freeze.parse({ ...WEEKEND, period: { ...WEEKEND.period, ...more } });
  const problems = problemsOf(freeze, Date.parse("2027-01-01T00:00:00Z"));
  expect(problems.find((it) => it.path === path)?.message).toMatch(message);
  expect(problemsOf(WEEKEND, 0)).toEqual([]);
});

test("a freeze once that ends before it starts cannot be added", () => {
  const period = { kind: "once" as const, fromMs: 2_000, untilMs: 1_000 };
  const [problem] = problemsOf({ ...WEEKEND, period }, 0);
  expect(problem).toEqual({ path: "period.untilMs", message: "must be after the start" });
});

test("a stored freeze whose times are over is readable, and freezes nothing", () => {
  const start = "2020-12-24T16:00:00";
  const period = { ...WEEKEND.period, start, end: "2021-01-07T07:00:00" };
  const freeze = Freeze.parse({ ...WEEKEND, period });
  expect(freezeOf([freeze], "billing", Date.parse("2020-12-31T00:00:00Z"))).toMatch(/2021-01-07/);
  expect(freezeOf([freeze], "billing", Date.now())).toBeUndefined();
});

test("a stored freeze until after the last time of a Date has an end that can be shown", () => {
  const period = { kind: "once", fromMs: -1, untilMs: Number.MAX_SAFE_INTEGER };
  const freeze = Freeze.parse({ ...WEEKEND, period });
  expect(freezeOf([freeze], "billing", 1)).toMatch(/frozen until \+275760-09-13/);
});
