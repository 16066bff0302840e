import { expect, test } from "vitest";

import { Freeze, freezeOf } from "./freezes.ts";

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
])("%j is refused", (more, path, message) => {
  const { error } = Freeze.safeParse({ ...WEEKEND, period: { ...WEEKEND.period, ...more } });
  const flat = error?.issues.flatMap((issue) =>
    issue.code === "invalid_union"
      ? issue.errors.flat().map((it) => ({ ...it, path: [...issue.path, ...it.path] }))
      : [issue],
  );
  const found = flat?.find((it) => it.path.join(".") === path);
  expect(found?.message).toMatch(message);
});
