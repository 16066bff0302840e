import { type Content, type Scope, type Setting, own, scopeKey } from "./application.ts";

/** The scopes that apply to a place, the most specific first. */
function chainOf({ product, environment }: Scope): Scope[] {
  return [{ product, environment }, { environment }, { product }, {}];
}

/**
 * The value of a setting at a place: of the product in the environment, otherwise of the environment, the product, the
 * global scope, or the default. `undefined`: unset.
 */
export function resolveSetting({ definition, values }: Setting, place: Scope): unknown {
  for (const scope of chainOf(place)) {
    const value = own(values, scopeKey(scope));
    if (value !== undefined) return value;
  }
  return definition.default;
}

/** All settings that have a value at a place. */
export function resolve(content: Content, place: Scope): Record<string, unknown> {
  const resolved = Object.entries(content.settings)
    .map(([key, setting]) => [key, resolveSetting(setting, place)] as const)
    .filter(([, value]) => value !== undefined);
  return Object.fromEntries(resolved);
}

/** Whether `scope` can apply at `place`; a missing part of the place matches everything. */
export function reaches(scope: Scope, place: Scope): boolean {
  return fits(scope.product, place.product) && fits(scope.environment, place.environment);
}

const fits = (said: string | undefined, here: string | undefined): boolean =>
  said === undefined || here === undefined || said === here;
