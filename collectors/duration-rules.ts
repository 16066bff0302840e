import { matchesGlob } from "node:path";

import { DURATION_UNITS, type DurationUnit } from "./duration-units.ts";

type Rule = { path: string; field: string; unit: DurationUnit };

/** The unit that a setting fixes for a field of a source. */
export type UnitOfField = (path: string, field: string) => DurationUnit | undefined;

export const isDurationRule = (text: string): boolean => parse(text) !== undefined;

/** The first of the rules `PATH FIELD UNIT` that matches decides. */
export function durationRules(texts: readonly string[]): UnitOfField {
  const rules = texts.map(parse).filter((rule) => rule !== undefined);
  return (path, field) =>
    rules.find((rule) => rule.field === field.toLowerCase() && matches(path, rule.path))?.unit;
}

function parse(text: string): Rule | undefined {
  const [path = "", field = "", name, ...more] = text.split(/\s+/);
  const unit = DURATION_UNITS.find((candidate) => candidate === name);
  return unit === undefined || more.length > 0
    ? undefined
    : { path, field: field.toLowerCase(), unit };
}

const matches = (path: string, pattern: string): boolean =>
  pattern === "*" || path === pattern || matchesGlob(path, pattern);
