import { type Content, type Scope, type Setting, own, scopeKey } from "./application.ts";

/** The scopes that count for a place, the most specific first. */
function chainOf({ product, environment }: Scope): Scope[] {
  return [{ product, environment }, { environment }, { product }, {}];
}

/**
 * The value of a setting at a place: that of the product in the environment, else of the environment, else of the
 * product, else the global one, else the default. `undefined`: it is unset.
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

/** Whether something that is said for `scope` can count at `place`; a part of the place that is not given fits all. */
export function reaches(scope: Scope, place: Scope): boolean {
  return fits(scope.product, place.product) && fits(scope.environment, place.environment);
}

const fits = (said: string | undefined, here: string | undefined): boolean =>
  said === undefined || here === undefined || said === here;
