import * as fc from "fast-check";
import { expect, test } from "vitest";

import { type HeldPermission, PERMISSION, notDelegable, covers, intersection } from "./grants.ts";

const ACTIONS = ["a:x:read", "a:x:write", "a:y:read", "b:x:read", "b:x:read/one.*", "b:x:read/two"];
const PERMISSIONS = [...ACTIONS, "a:*", "b:*"];
const permission = fc.constantFrom(...PERMISSIONS);
const until = fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined });
const held = fc.array(fc.record({ permission, untilMs: until }), { maxLength: 6 });
const given = fc.record({ permissions: fc.array(permission, { maxLength: 4 }), untilMs: until });

/** Every action that is allowed, at each time. */
const abilities = (all: readonly HeldPermission[]): string[] =>
  ACTIONS.flatMap((action) =>
    [0, 1, 2, 3, 4, 5]
      .filter((atMs) =>
        all.some(
          (it) => covers(it.permission, action) && (it.untilMs === undefined || atMs < it.untilMs),
        ),
      )
      .map((atMs) => `${action} at ${atMs}`),
  );

test("no chain of grants results in a permission that the first granter did not have", () => {
  fc.assert(
    fc.property(held, fc.array(given, { maxLength: 6 }), (first, grants) => {
      const initial = new Set(abilities(first));
      let granter: HeldPermission[] = first;
      for (const grant of grants) {
        if (notDelegable(granter, grant.permissions, grant.untilMs).length > 0) continue;
        granter = grant.permissions.map((it) => ({ permission: it, untilMs: grant.untilMs }));
        for (const ability of abilities(granter)) expect(initial).toContain(ability);
      }
    }),
  );
});

test("the intersection of key scopes and granted permissions allows exactly what both allow", () => {
  fc.assert(
    fc.property(fc.array(permission), fc.array(permission), (one, other) => {
      const asHeld = (all: readonly string[]) =>
        all.map((it) => ({ permission: it, untilMs: undefined }));
      const both = new Set(
        abilities(asHeld(one)).filter((it) => abilities(asHeld(other)).includes(it)),
      );
      expect(new Set(abilities(asHeld(intersection(one, other))))).toEqual(both);
    }),
  );
});

test("a permission names service, resource and action, or all of a service", () => {
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
