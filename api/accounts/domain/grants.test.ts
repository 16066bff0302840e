import * as fc from "fast-check";
import { expect, test } from "vitest";

import { type HeldPermission, PERMISSION, notDelegable, covers, intersection } from "./grants.ts";

const DEEDS = ["a:x:read", "a:x:write", "a:y:read", "b:x:read", "b:x:read/one.*", "b:x:read/two"];
const PERMISSIONS = [...DEEDS, "a:*", "b:*"];
const permission = fc.constantFrom(...PERMISSIONS);
const until = fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined });
const held = fc.array(fc.record({ permission, untilMs: until }), { maxLength: 6 });
const given = fc.record({ permissions: fc.array(permission, { maxLength: 4 }), untilMs: until });

/** Every deed that can be done at some time, one by one. */
const powers = (all: readonly HeldPermission[]): string[] =>
  DEEDS.flatMap((deed) =>
    [0, 1, 2, 3, 4, 5]
      .filter((atMs) =>
        all.some(
          (it) => covers(it.permission, deed) && (it.untilMs === undefined || atMs < it.untilMs),
        ),
      )
      .map((atMs) => `${deed} at ${atMs}`),
  );

test("through any chain of grants nobody ever gets a power that the first giver did not have", () => {
  fc.assert(
    fc.property(held, fc.array(given, { maxLength: 6 }), (first, gifts) => {
      const most = new Set(powers(first));
      let giver: HeldPermission[] = first;
      for (const gift of gifts) {
        if (notDelegable(giver, gift.permissions, gift.untilMs).length > 0) continue;
        giver = gift.permissions.map((it) => ({ permission: it, untilMs: gift.untilMs }));
        for (const power of powers(giver)) expect(most).toContain(power);
      }
    }),
  );
});

test("the scopes of a key and what is granted, taken together, allow what both allow and no more", () => {
  fc.assert(
    fc.property(fc.array(permission), fc.array(permission), (one, other) => {
      const asHeld = (all: readonly string[]) =>
        all.map((it) => ({ permission: it, untilMs: undefined }));
      const both = new Set(powers(asHeld(one)).filter((it) => powers(asHeld(other)).includes(it)));
      expect(new Set(powers(asHeld(intersection(one, other))))).toEqual(both);
    }),
  );
});

test("a permission has a service, a thing and a deed, or everything of a service", () => {
  const good = ["billing:refunds:write", "logging:events:read/nginx.*", "billing:*"];
  expect(good.every((it) => PERMISSION.test(it))).toBe(true);
  const bad = [
    "*",
    "billing",
    "billing:refunds",
    "a:b:*",
    "A:b:c",
    "a:b:c d",
    "a:b:c/",
    "billing:*:*",
  ];
  expect(bad.filter((it) => PERMISSION.test(it))).toEqual([]);
});
