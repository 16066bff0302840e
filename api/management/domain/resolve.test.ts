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

test("what is set at the very place counts there, whatever else is set", () => {
  fc.assert(
    fc.property(values, scope, fc.integer(), (others, place, value) => {
      const setting = { definition, values: { ...others, [scopeKey(place)]: value } };
      expect(resolveSetting(setting, place)).toBe(value);
    }),
  );
});

test("a value that does not reach a place changes nothing there", () => {
  fc.assert(
    fc.property(values, scope, scope, (others, place, elsewhere) => {
      fc.pre(!reaches(elsewhere, place));
      const before = resolveSetting({ definition, values: others }, place);
      const more = { ...others, [scopeKey(elsewhere)]: 4711 };
      expect(resolveSetting({ definition, values: more }, place)).toBe(before);
    }),
  );
});

test("the result is a value of a scope that reaches the place, none of which is more specific, or the default", () => {
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

test("a setting without value and default is left out", () => {
  const unset = {
    definition: { description: "", schema: { type: "boolean" as const } },
    values: {},
  };
  expect(resolve({ description: "", flags: {}, settings: { unset } }, {})).toEqual({});
});
