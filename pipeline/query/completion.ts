import type { FieldType } from "#collectors/fields.ts";

import type { TimeRange } from "../filter.ts";
import type { EventReader } from "../store/port.ts";
import { columnType, isNumeric, KNOWN_NAMES, resolveField } from "./names.ts";

/** A name or a value that is being written: it takes the place of the query's characters from `from` on. */
type Fragment = { from: number; prefix: string; field: string | undefined };
type Suggestion = { text: string; detail: string };
export type Suggestions = { from: number; options: Suggestion[] };

const SUGGESTIONS_MAX = 10;
const SAMPLE_EVENTS = 50;
const VALUE_CHARACTERS_MAX = 200;
const NAME = /(?:^|[\s(-])([A-Za-z_@][\w.@-]*)?$/;
const VALUE = /(?:^|[\s(-])([A-Za-z_@][\w.@-]*)(?::|=|!=)("?)((?:\\.|[^\\"\s()])*|(?<=").*)$/;
const PLAIN_VALUE = /^[\w./][\w./@-]*$/;
const TYPE_WORDS = {
  keyword: "text",
  keywords: "text",
  long: "number",
  double: "number",
  date: "time",
  boolean: "true or false",
} as const satisfies Record<FieldType, string>;
const NO_SUGGESTIONS: Suggestions = { from: 0, options: [] };

/** What ends at the end of a text; undefined within a quoted phrase and where nothing can be completed. */
export function fragmentOf(text: string): Fragment | undefined {
  const value = VALUE.exec(text);
  if (value) {
    const [, name = "", quote = "", prefix = ""] = value;
    if (quote === '"' && prefix.includes('"')) return undefined;
    const field = resolveField(name);
    return { from: text.length - prefix.length - quote.length, prefix, field };
  }
  const isInQuotes = text.replaceAll(/\\./g, "").split('"').length % 2 === 0;
  const name = isInQuotes ? null : NAME.exec(text);
  if (!name) return undefined;
  const prefix = name[1] ?? "";
  return { from: text.length - prefix.length, prefix, field: undefined };
}

type CompletionReader = Pick<EventReader, "search" | "facets">;

/** Completes the name of a field, or a value that occurs in the range, at the end of a text. */
export async function suggestionsFor(
  text: string,
  range: TimeRange,
  store: CompletionReader,
): Promise<Suggestions> {
  const fragment = fragmentOf(text);
  if (!fragment) return NO_SUGGESTIONS;
  const { from, prefix, field } = fragment;
  const options = field
    ? await valuesOf(field, prefix, { range, store })
    : await namesOf(prefix, { range, store });
  return { from, options };
}

type Where = { range: TimeRange; store: CompletionReader };

async function namesOf(prefix: string, { range, store }: Where): Promise<Suggestion[]> {
  if (prefix === "") return [];
  const sample = await store.search({ ...range, where: [], limit: SAMPLE_EVENTS });
  const others = new Set(sample.flatMap(({ fields }) => Object.keys(fields)));
  const wanted = prefix.toLowerCase();
  const starts = (name: string): boolean => name.toLowerCase().startsWith(wanted);
  const contains = (name: string): boolean => name.toLowerCase().includes(`.${wanted}`);
  const names = [...new Set([...KNOWN_NAMES, ...others])];
  const found = [...names.filter(starts), ...names.filter((it) => !starts(it) && contains(it))];
  return found.slice(0, SUGGESTIONS_MAX).map((name) => {
    const field = resolveField(name);
    return { text: `${name}:`, detail: field === name ? typeOf(name) : field };
  });
}

function typeOf(name: string): string {
  const type = columnType(name);
  return type === undefined ? "" : TYPE_WORDS[type];
}

async function valuesOf(
  field: string,
  prefix: string,
  { range, store }: Where,
): Promise<Suggestion[]> {
  if (columnType(field) === "date" || /[*<>[{]/.test(prefix)) return [];
  const isPart = prefix === "" || (isNumeric(field) && !/^[\d.-]+$/.test(prefix));
  const where = isPart ? [] : [{ field, op: "like", value: `${prefix}*` } as const];
  const facets = await store.facets({ ...range, where, fields: [field], limit: SUGGESTIONS_MAX });
  return (facets.get(field) ?? [])
    .filter(({ value }) => value !== "" && value.length <= VALUE_CHARACTERS_MAX)
    .map(({ value, count }) => ({
      text: PLAIN_VALUE.test(value) ? value : quoted(value),
      detail: count.toLocaleString("en"),
    }));
}

const quoted = (text: string): string =>
  `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
