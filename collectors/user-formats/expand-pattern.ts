import { GROK_PATTERNS } from "./grok-patterns.ts";

/** How the text of a field is stored. */
const CONVERSIONS = ["string", "int", "long", "float", "double", "boolean"] as const;
export type Conversion = (typeof CONVERSIONS)[number];

export type PatternField = { name: string; conversion: Conversion };

/** An expression of RE2, and the fields of its groups in order. */
export type Expanded = { ok: true; expression: string; fields: PatternField[] };
export type Refused = { ok: false; message: string };

const EXPRESSION_CHARS_MAX = 32_768;
const FIELDS_MAX = 100;
const FIELD_NAME = /^[A-Za-z_@][\w.@-]{0,127}$/;
/** `%{NAME}`, `%{NAME:field}`, `%{NAME:field:int}`. */
const REFERENCE = /^%\{([A-Za-z0-9_]{1,64})(?::([^{}:]{1,200})(?::([a-z]{1,16}))?)?\}/;
const NAMED_GROUP = /^\(\?P?<([^>=!]{1,200})>/;
/** `[http][request][method]`, as Logstash writes the name of a field. */
const BRACKETED = /^(?:\[[^[\]]{1,100}\])+$/;

/**
 * Replaces the references to patterns of grok (`%{IP:source.ip}`), and gives names to groups that RE2 accepts: fields may have
 * dots. Other groups no longer have a number.
 */
export function expandPattern(pattern: string): Expanded | Refused {
  try {
    const fields: PatternField[] = [];
    return { ok: true, expression: expand(pattern, fields), fields };
  } catch (error) {
    if (error instanceof Mistake) return { ok: false, message: error.message };
    throw error;
  }
}

class Mistake extends Error {}

function expand(pattern: string, fields: PatternField[]): string {
  let expression = "";
  let isInClass = false;
  let at = 0;
  while (at < pattern.length) {
    const char = pattern[at] ?? "";
    let next = char;
    let length = 1;
    if (char === "\\") {
      next = pattern.slice(at, at + 2);
      length = 2;
    } else if (isInClass) isInClass = char !== "]";
    else if (char === "[") {
      // A bracket at the beginning of a class is a character of it.
      const [first = "["] = /^\[\^?\]?/.exec(pattern.slice(at, at + 3)) ?? [];
      next = first;
      ({ length } = first);
      isInClass = true;
    } else if (char === "%" || char === "(") ({ next, length } = groupAt(pattern, at, fields));
    expression += next;
    if (expression.length > EXPRESSION_CHARS_MAX)
      throw new Mistake(
        `the pattern is longer than ${EXPRESSION_CHARS_MAX} characters with what its names stand for`,
      );
    at += length;
  }
  return expression;
}

type Replaced = { next: string; length: number };

function groupAt(pattern: string, at: number, fields: PatternField[]): Replaced {
  const text = pattern.slice(at, at + 300);
  if (text.startsWith("%{")) return reference(text, at, fields);
  const [group, name] = NAMED_GROUP.exec(text) ?? [];
  if (group !== undefined && name !== undefined)
    return { next: `(?P<${addField(fields, name, "string")}>`, length: group.length };
  if (/^\((?:\?<[=!]|\?[=!>])/.test(text))
    throw new Mistake(
      `look-around and atomic groups are not available, at character ${at + 1}: a line could take any time`,
    );
  return { next: text[0] ?? "", length: 1 };
}

function reference(text: string, at: number, fields: PatternField[]): Replaced {
  const [all, name = "", field, type = "string"] = REFERENCE.exec(text) ?? [];
  if (all === undefined)
    throw new Mistake(`write %{NAME}, %{NAME:field} or %{NAME:field:int}, at character ${at + 1}`);
  const inner = Object.hasOwn(GROK_PATTERNS, name) ? GROK_PATTERNS[name] : undefined;
  if (inner === undefined)
    throw new Mistake(
      `there is no pattern %{${name}}, at character ${at + 1}: use one of ${Object.keys(GROK_PATTERNS).join(", ")}, or an expression such as (?<field>[a-z]+)`,
    );
  const conversion = CONVERSIONS.find((it) => it === type);
  if (!conversion)
    throw new Mistake(
      `the type ${type} is unknown, at character ${at + 1}: use ${CONVERSIONS.join(", ")}`,
    );
  const open = field === undefined ? "(?:" : `(?P<${addField(fields, field, conversion)}>`;
  return { next: `${open}${expand(inner, [])})`, length: all.length };
}

/** Returns the name of the group. */
function addField(fields: PatternField[], written: string, conversion: Conversion): string {
  const name = BRACKETED.test(written) ? written.slice(1, -1).replaceAll("][", ".") : written;
  if (!FIELD_NAME.test(name))
    throw new Mistake(
      `${JSON.stringify(written)} is no name of a field: use letters, digits, dots, _ and -`,
    );
  if (fields.push({ name, conversion }) > FIELDS_MAX)
    throw new Mistake(`the pattern has more than ${FIELDS_MAX} fields`);
  return `f${fields.length}`;
}
