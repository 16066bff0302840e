import { RE2JS, RE2JSException } from "re2js";

import { isNumberField, isTextField } from "../batch.ts";
import type { Format } from "../format.ts";
import { levelName } from "../formats/application/levels.ts";
import { lineTime } from "../formats/application/line-time.ts";
import { APPLICATION_TRAITS } from "../formats/application/traits.ts";
import { jsonTime } from "../formats/json-time.ts";
import { isReserved } from "../formats/reserved-fields.ts";
import { syslogTime } from "../formats/syslog-header.ts";
import { openTextLine, type RowWriter } from "../formats/text-line.ts";
import {
  expandPattern,
  type Conversion,
  type PatternField,
  type Refused,
} from "./expand-pattern.ts";

export const PATTERN_CHARS_MAX = 4096;
/** Instructions of the compiled expression. */
const PROGRAM_MAX = 2_000;
/** An expression takes at most a step for each of its instructions and each character: about 50 ms. */
const STEPS_MAX = 1_000_000;
const LINE_CHARS_MAX = 65_536;

/** A format that a user described by a pattern. */
export type UserFormatSpec = {
  /** The dataset of its events. */
  name: string;
  /** grok, or an expression of RE2 with named groups. */
  pattern: string;
};

export type CompiledFormat = { ok: true; format: Format; fields: readonly string[] };

/** Compiles a format, whose lines take time linear in their length; or states the mistake in its pattern. */
export function compileFormat({ name, pattern }: UserFormatSpec): CompiledFormat | Refused {
  if (pattern.length > PATTERN_CHARS_MAX)
    return refused(`the pattern is longer than ${PATTERN_CHARS_MAX} characters`);
  const expanded = expandPattern(pattern);
  if (!expanded.ok) return expanded;
  const { expression, fields } = expanded;
  if (fields.length === 0)
    return refused(
      "the pattern has no field: name one, such as %{GREEDYDATA:message} or (?<message>.*)",
    );
  const reserved = fields.find((field) => isReserved(field.name));
  if (reserved)
    return refused(`the field ${reserved.name} is set by Quarterdeck: choose another name`);
  const compiled = compiledExpression(expression);
  if (!compiled.ok) return compiled;
  const { matcher } = compiled;
  const charsMax = Math.min(LINE_CHARS_MAX, Math.floor(STEPS_MAX / matcher.programSize()));
  const format: Format = {
    dataset: name,
    title: `your format ${name}`,
    requests: "mixed",
    traits: APPLICATION_TRAITS,
    open: (batch, context) =>
      openTextLine(batch, context, (text, row) => {
        if (text.length > charsMax)
          return `the line is longer than the ${charsMax} characters to which the pattern of ${name} is applied`;
        return read(matcher, fields, { name, text, row });
      }),
  };
  return { ok: true, format, fields: [...new Set(fields.map((field) => field.name))] };
}

const refused = (message: string): Refused => ({ ok: false, message });

function compiledExpression(expression: string): { ok: true; matcher: RE2JS } | Refused {
  try {
    const matcher = RE2JS.compile(expression);
    if (matcher.programSize() > PROGRAM_MAX)
      return refused("the pattern has too many parts or repetitions: make it shorter");
    return { ok: true, matcher };
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    return refused(
      `the expression cannot be read: ${error.message.replace(/^error parsing regexp: /, "")}`,
    );
  }
}

type Line = { name: string; text: string; row: RowWriter };

function read(
  matcher: RE2JS,
  fields: readonly PatternField[],
  { name, text, row }: Line,
): string | undefined {
  const found = matcher.matcher(text);
  if (!found.find()) return `the pattern of ${name} does not match`;
  const values = new Map<string, { value: string; conversion: Conversion }>();
  for (const [index, { name: field, conversion }] of fields.entries()) {
    const value = found.group(`f${index + 1}`);
    // The same field may be in several alternatives.
    if (value !== null && value !== undefined && !values.has(field))
      values.set(field, { value, conversion });
  }
  const refusal = putTime(row, values);
  if (refusal !== undefined) return refusal;
  for (const [field, { value, conversion }] of values)
    putField(row, field, converted(value, conversion));
  return undefined;
}

const TIMES = ["@timestamp", "timestamp"];

function putTime(row: RowWriter, values: Map<string, { value: string }>): string | undefined {
  const field = TIMES.find((name) => values.has(name));
  const text = field === undefined ? undefined : values.get(field)?.value;
  if (field === undefined || text === undefined || text === "") return undefined;
  values.delete(field);
  return row.time(timeOf(text, row), text);
}

function timeOf(text: string, { context }: RowWriter): number {
  const line = lineTime(text, context.zone);
  if (line?.length === text.length) return line.ms;
  const ms = jsonTime(text, context.zone);
  return Number.isNaN(ms) ? syslogTime(text, context) : ms;
}

function converted(value: string, conversion: Conversion): string | number | boolean {
  if (conversion === "string") return value;
  if (conversion === "boolean") return value.toLowerCase() === "true";
  const number = Number(value);
  if (value === "" || !Number.isFinite(number)) return value;
  return conversion === "int" || conversion === "long" ? Math.trunc(number) : number;
}

function putField(row: RowWriter, name: string, value: string | number | boolean): void {
  if (value === "") return;
  if (name === "log.level") row.text(name, levelName(value) ?? String(value));
  else if (isTextField(name)) row.text(name, String(value));
  else if (!isNumberField(name)) row.extra(name, value);
  else if (Number.isFinite(Number(value))) row.number(name, Number(value));
  else row.extra(`labels.${name}`, value);
}
