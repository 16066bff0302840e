import * as fc from "fast-check";
import { expect, test } from "vitest";

import { bucketOf, evaluateFlag } from "./flag.ts";

const flag = { key: "new-cart", description: "", on: true, allow: [], deny: [], rules: [] };
const percentage = fc.integer({ min: 0, max: 10_000 }).map((it) => it / 100);

test("raising the percentage never turns the flag off for an account", () => {
  fc.assert(
    fc.property(fc.tuple(fc.string(), fc.string()), percentage, percentage, (who, one, other) => {
      const [key, account] = who;
      const [low, high] = [Math.min(one, other), Math.max(one, other)];
      const at = (share: number): boolean =>
        evaluateFlag({ ...flag, key, rules: [{ percentage: share }] }, account, {}).on;
      expect(!at(low) || at(high)).toBe(true);
    }),
  );
});

test("0 % matches no account, 100 % every account", () => {
  fc.assert(
    fc.property(fc.string(), (account) => {
      const at = (share: number): boolean =>
        evaluateFlag({ ...flag, rules: [{ percentage: share }] }, account, {}).on;
      expect([at(0), at(100)]).toEqual([false, true]);
    }),
  );
});

test("a percentage selects exactly that share of the 10,000 buckets, and never all below 100 %", () => {
  const byBucket = new Map(
    Array.from({ length: 60_000 }, (_, index) => `acc_${index}`).map((account) => [
      bucketOf(flag.key, account),
      account,
    ]),
  );
  const at = (percent: number, bucket: number): boolean =>
    evaluateFlag({ ...flag, rules: [{ percentage: percent }] }, byBucket.get(bucket) ?? "", {}).on;
  expect([at(99.999, 9_999), at(100, 9_999)]).toEqual([false, true]);
  const known = [...byBucket.keys()].filter((bucket) => bucket < 9_999);
  for (const bucket of known.slice(0, 1_000)) {
    expect([at(bucket / 100, bucket), at((bucket + 1) / 100, bucket)]).toEqual([false, true]);
  }
});

test("a percentage selects that share of the accounts, and different flags select different accounts", () => {
  const accounts = Array.from({ length: 10_000 }, (_, index) => `acc_${index}`);
  const having = (key: string): Set<string> =>
    new Set(accounts.filter((account) => bucketOf(key, account) < 2_000));
  const [one, two] = [having("one"), having("two")];
  expect(one.size).toBeGreaterThan(1_800);
  expect(one.size).toBeLessThan(2_200);
  expect([...one].filter((account) => two.has(account)).length).toBeLessThan(600);
});

test("off beats denied, denied beats allowed, allowed beats the rules, and the first matching rule", () => {
  const full = {
    ...flag,
    allow: ["a", "both"],
    deny: ["d", "both"],
    rules: [{ product: "web", percentage: 0 }, { percentage: 100 }],
  };
  const because = (account: string, more: object = {}, place: object = {}) =>
    evaluateFlag({ ...full, ...more }, account, place);
  expect(because("a", { on: false })).toEqual({ on: false, because: "off" });
  expect(because("both")).toEqual({ on: false, because: "denied" });
  expect(because("a", {}, { product: "web" })).toEqual({ on: true, because: "allowed" });
  expect(because("x", {}, { product: "web" })).toEqual({ on: false, because: "percentage" });
  expect(because("x")).toEqual({ on: true, because: "percentage" });
});
