import { AppError, type FieldError } from "#platform/errors.ts";

import {
  type Content,
  type Definition,
  type Scope,
  type ScopeKey,
  own,
  scopeKey,
  without,
} from "./application.ts";
import { type ValueSchema, checkValue, secretsOf } from "./value-schema.ts";

/** Maximum JSON length of the content; a MongoDB document holds it at most twice. */
const CONTENT_CHARACTERS_MAX = 1_000_000;

const invalid = (fields: readonly FieldError[]): AppError =>
  new AppError(
    "bad_request",
    fields
      .map((it) => `${it.path}: ${it.message}`)
      .join("; ")
      .slice(0, 2_000),
    { fields: fields.slice(0, 50) },
  );

function mistakesOf(schema: ValueSchema, value: unknown, path: string): FieldError[] {
  return checkValue(schema, value).map((mistake) => ({
    path: mistake.path === "" ? path : `${path}.${mistake.path}`,
    code: "invalid_value",
    message: mistake.message,
  }));
}

/**
 * Defines a setting or replaces its definition; existing values must match it.
 * @throws AppError bad_request for an invalid definition, conflict with a list of the values that do not match
 */
export function define(
  content: Content,
  key: string,
  { definition, path = "body" }: { definition: Definition; path?: string },
): Content {
  const mistakes = definitionMistakes(definition, path);
  if (mistakes.length > 0) throw invalid(mistakes);
  const values = own(content.settings, key)?.values ?? {};
  const mismatches = Object.entries(values).flatMap(([scope, value]) =>
    mistakesOf(definition.schema, value, `values.${scope}`),
  );
  if (mismatches.length > 0) {
    throw new AppError(
      "conflict",
      `Existing values of ${key} do not match this definition: ${mismatches.map((it) => `${it.path}: ${it.message}`).join("; ")}. Change the values first, or adapt the definition.`.slice(
        0,
        2_000,
      ),
      { fields: mismatches.slice(0, 50) },
    );
  }
  return { ...content, settings: { ...content.settings, [key]: { definition, values } } };
}

/** Mistakes in a definition itself: contradictory bounds, an invalid default. */
function definitionMistakes(definition: Definition, path: string): FieldError[] {
  const bounds = boundMistakes(definition.schema, `${path}.schema`);
  if (bounds.length > 0 || definition.default === undefined) return bounds;
  return mistakesOf(definition.schema, definition.default, `${path}.default`);
}

function boundMistakes(schema: ValueSchema, path: string): FieldError[] {
  const limits: Readonly<Record<string, unknown>> = schema;
  const pairs = [
    ["minLength", "maxLength"],
    ["minimum", "maximum"],
    ["minimumMs", "maximumMs"],
    ["minItems", "maxItems"],
  ] as const;
  const crossed = pairs
    .filter(([low, high]) => Number(limits[low]) > Number(limits[high]))
    .map(([low, high]) => ({
      path: `${path}.${low}`,
      code: "crossed_bounds",
      message: `give at most the value of ${high}`,
    }));
  if (schema.type === "list") return [...crossed, ...boundMistakes(schema.items, `${path}.items`)];
  if (schema.type !== "object") return crossed;
  const unknown = (schema.required ?? [])
    .filter((name) => !Object.hasOwn(schema.properties, name))
    .map((name) => ({
      path: `${path}.required`,
      code: "unknown_property",
      message: `${name} is not among the properties`,
    }));
  const inner = Object.entries(schema.properties).flatMap(([name, property]) =>
    boundMistakes(property, `${path}.properties.${name}`),
  );
  return [...unknown, ...inner];
}

/** @throws AppError not_found, bad_request when the value does not match the definition */
export function setValue(
  content: Content,
  key: string,
  { scope, value }: { scope: Scope; value: unknown },
): Content {
  const setting = settingOf(content, key);
  const mistakes = mistakesOf(setting.definition.schema, value, "body.value");
  if (mistakes.length > 0) throw invalid(mistakes);
  const values = { ...setting.values, [scopeKey(scope)]: value };
  return { ...content, settings: { ...content.settings, [key]: { ...setting, values } } };
}

/** @throws AppError not_found when no value is set in this scope */
export function unsetValue(content: Content, key: string, scope: Scope): Content {
  const setting = settingOf(content, key);
  const at: ScopeKey = scopeKey(scope);
  if (own(setting.values, at) === undefined) {
    throw new AppError("not_found", `${key} has no value at ${at}.`);
  }
  const changed = { ...setting, values: without(setting.values, at) };
  return { ...content, settings: { ...content.settings, [key]: changed } };
}

export function settingOf(content: Content, key: string): Content["settings"][string] {
  const setting = own(content.settings, key);
  if (setting) return setting;
  throw new AppError("not_found", `This application has no setting ${key}: define it first.`);
}

export function flagOf(content: Content, key: string): Content["flags"][string] {
  const flag = own(content.flags, key);
  if (flag) return flag;
  throw new AppError("not_found", `This application has no flag ${key}: define it first.`);
}

/** Names of the secrets that a content refers to, without duplicates. */
export function secretsIn(content: Content): string[] {
  const names = Object.values(content.settings).flatMap(({ definition, values }) =>
    [definition.default, ...Object.values(values)].flatMap((value) =>
      secretsOf(definition.schema, value),
    ),
  );
  return [...new Set(names)].toSorted();
}

/** @throws AppError unprocessable when an application is too large for one document */
export function checkSize(content: Content): void {
  if (JSON.stringify(content).length <= CONTENT_CHARACTERS_MAX) return;
  throw new AppError(
    "unprocessable",
    `An application can hold ${CONTENT_CHARACTERS_MAX} characters of settings and flags: remove some, or split it into two applications.`,
  );
}

/** Every mistake in a whole content, as imported; `at` is its path in the content. */
export function contentMistakes(content: Content): (FieldError & { at: string[] })[] {
  return Object.entries(content.settings).flatMap(([key, { definition, values }]) => {
    const at = ["settings", key];
    const wrong = definitionMistakes(definition, at.join("."));
    if (wrong.length > 0) {
      return wrong.map((mistake) => {
        const inDefault = mistake.path.startsWith(`${at.join(".")}.default`);
        return { ...mistake, at: [...at, inDefault ? "default" : "schema"] };
      });
    }
    return Object.entries(values).flatMap(([scope, value]) => {
      const place = [...at, "values", scope];
      return mistakesOf(definition.schema, value, place.join(".")).map((mistake) => ({
        ...mistake,
        at: place,
      }));
    });
  });
}
