import * as fc from "fast-check";
import { expect, test } from "vitest";

import { type Scope, scopeKey } from "./application.ts";
import { reaches, resolve, resolveSetting } from "./resolve.ts";

const name = fc.constantFrom("web", "app", "api");
const scope: fc.Arbitrary<Scope> = fc.record(
  { product: name, environment: name },
  { requiredKeys: [] },
);
const values = fc
  .array(fc.tuple(scope, fc.integer()))
  .map((all) => Object.fromEntries(all.map(([at, value]) => [scopeKey(at), value])));
const definition = { description: "", schema: { type: "integer" as const }, default: 0 };

test("a value set at the exact place applies there, whatever else is set", () => {
  fc.assert(
    fc.property(values, scope, fc.integer(), (others, place, value) => {
      const setting = { definition, values: { ...others, [scopeKey(place)]: value } };
      expect(resolveSetting(setting, place)).toBe(value);
    }),
  );
});

test("a value in a scope that does not match a place does not affect it", () => {
  fc.assert(
    fc.property(values, scope, scope, (others, place, elsewhere) => {
      fc.pre(!reaches(elsewhere, place));
      const before = resolveSetting({ definition, values: others }, place);
      const more = { ...others, [scopeKey(elsewhere)]: 4711 };
      expect(resolveSetting({ definition, values: more }, place)).toBe(before);
    }),
  );
});

test("the result is the value of the most specific matching scope, or the default", () => {
  const weight = (at: Scope): number => (at.product ? 1 : 0) + (at.environment ? 2 : 0);
  fc.assert(
    fc.property(fc.array(scope), scope, (scopes, place) => {
      const all = Object.fromEntries(scopes.map((at) => [scopeKey(at), at]));
      const found = resolveSetting({ definition, values: all }, place);
      const fits = (at: Scope): boolean =>
        (at.product === undefined || at.product === place.product) &&
        (at.environment === undefined || at.environment === place.environment);
      const best = scopes.filter(fits).toSorted((a, b) => weight(b) - weight(a))[0];
      expect(found).toEqual(best ?? 0);
    }),
  );
});

test("a setting without a value or default is omitted", () => {
  const unset = {
    definition: { description: "", schema: { type: "boolean" as const } },
    values: {},
  };
  expect(resolve({ description: "", flags: {}, settings: { unset } }, {})).toEqual({});
});
