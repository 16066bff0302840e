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

/** Text of all content as JSON; one document of MongoDB holds it twice at most. */
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
 * Defines a setting, or defines it anew: the values that it has must fit.
 * @throws AppError bad_request when the default, conflict when existing values do not fit, which it lists
 */
export function define(
  content: Content,
  key: string,
  { definition, path = "body" }: { definition: Definition; path?: string },
): Content {
  const mistakes = definitionMistakes(definition, path);
  if (mistakes.length > 0) throw invalid(mistakes);
  const values = own(content.settings, key)?.values ?? {};
  const unfit = Object.entries(values).flatMap(([scope, value]) =>
    mistakesOf(definition.schema, value, `values.${scope}`),
  );
  if (unfit.length > 0) {
    throw new AppError(
      "conflict",
      `The values that ${key} has do not fit this definition: ${unfit.map((it) => `${it.path}: ${it.message}`).join("; ")}. Change them first, or define it so that they fit.`.slice(
        0,
        2_000,
      ),
      { fields: unfit.slice(0, 50) },
    );
  }
  return { ...content, settings: { ...content.settings, [key]: { definition, values } } };
}

/** What is wrong with a definition itself: bounds that nothing can meet, a default that does not fit. */
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
      message: `give at most what ${high} says`,
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

/** @throws AppError not_found, bad_request when the value does not fit */
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

/** @throws AppError not_found when there is no value of its own in this scope */
export function unsetValue(content: Content, key: string, scope: Scope): Content {
  const setting = settingOf(content, key);
  const at: ScopeKey = scopeKey(scope);
  if (own(setting.values, at) === undefined) {
    throw new AppError("not_found", `${key} has no value of its own at ${at}.`);
  }
  const changed = { ...setting, values: without(setting.values, at) };
  return { ...content, settings: { ...content.settings, [key]: changed } };
}

export function settingOf(content: Content, key: string): Content["settings"][string] {
  const setting = own(content.settings, key);
  if (setting) return setting;
  throw new AppError("not_found", `There is no setting ${key} in this application: define it.`);
}

export function flagOf(content: Content, key: string): Content["flags"][string] {
  const flag = own(content.flags, key);
  if (flag) return flag;
  throw new AppError("not_found", `There is no flag ${key} in this application: define it.`);
}

/** Names of the secrets that a content refers to, each once. */
export function secretsIn(content: Content): string[] {
  const names = Object.values(content.settings).flatMap(({ definition, values }) =>
    [definition.default, ...Object.values(values)].flatMap((value) =>
      secretsOf(definition.schema, value),
    ),
  );
  return [...new Set(names)].toSorted();
}

/** @throws AppError unprocessable when an application gets too large to be one document */
export function checkSize(content: Content): void {
  if (JSON.stringify(content).length <= CONTENT_CHARACTERS_MAX) return;
  throw new AppError(
    "unprocessable",
    `An application can hold ${CONTENT_CHARACTERS_MAX} characters of settings and flags: remove some, or make another application of a part of it.`,
  );
}

/** Every mistake of a whole content, as an import has it; `at` leads to the place in the content. */
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
