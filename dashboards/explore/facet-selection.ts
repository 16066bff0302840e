import { columnType, isNumeric, mayHaveAddresses, resolveField } from "#pipeline/query/names.ts";
import { FIELD_NAME, Scanner, type Token } from "#pipeline/query/scanner.ts";

import { splitTerms, term, valueText, withTerm } from "../search-terms.ts";

/** A term that selects values of a field, such as `status:404` or `status:(404 OR 503)`; `name` as it is written. */
type Selection = { name: string; field: string; values: string[] };

/** The values of a field that a query selects. */
export function selectedValues(query: string, field: string): string[] {
  return splitTerms(query)
    .map(selectionOf)
    .filter((it) => it?.field === field)
    .flatMap((it) => it?.values ?? []);
}

/** Selects a value of a field, or removes its selection. Values of one field are alternatives. */
export function toggleValue(query: string, field: string, value: string): string {
  const terms = splitTerms(query).filter((it) => it !== `-${term(field, value)}`);
  const at = terms.findIndex((it) => selectionOf(it)?.field === field);
  const selection = selectionOf(terms[at] ?? "") ?? { name: field, field, values: [] };
  const { name, values } = selection;
  const isSelected = values.includes(value);
  const next = isSelected ? values.filter((it) => it !== value) : [...values, value];
  const written = selectionText(name, next);
  if (at < 0) return [...terms, written].join(" ");
  return terms.toSpliced(at, 1, ...(written === "" ? [] : [written])).join(" ");
}

/** Excludes a value of a field, also if it was selected. */
export function excludeValue(query: string, field: string, value: string): string {
  const isSelected = selectedValues(query, field).includes(value);
  const rest = isSelected ? toggleValue(query, field, value) : query;
  return withTerm(rest, `-${term(field, value)}`);
}

function selectionText(name: string, values: readonly string[]): string {
  const [first, ...more] = values;
  if (first === undefined) return "";
  return more.length === 0
    ? `${name}:${valueText(first)}`
    : `${name}:(${values.map(valueText).join(" OR ")})`;
}

function selectionOf(text: string): Selection | undefined {
  try {
    return scannedSelection(text);
  } catch {
    // A quote that is not closed: the server reports it when the query is sent.
    return undefined;
  }
}

function scannedSelection(text: string): Selection | undefined {
  const scanner = new Scanner(text);
  const name = scanner.token(true);
  if (name.isQuoted ? name.text === "" : !FIELD_NAME.test(name.text)) return undefined;
  const writtenName = text.slice(0, scanner.at);
  if (scanner.operator() !== ":") return undefined;
  const field = name.isQuoted ? name.text : resolveField(name.text);
  const values = valuesOf(scanner).map((value) => exactValue(field, value));
  if (values.length === 0 || !scanner.isAtEnd) return undefined;
  const known = values.filter((it) => it !== undefined);
  if (known.length < values.length) return undefined;
  return { name: writtenName, field, values: known };
}

/** One value, or those between parentheses and OR. */
function valuesOf(scanner: Scanner): Token[] {
  if (!scanner.take("(")) return scanner.range() ? [] : [scanner.token(false)];
  const values: Token[] = [];
  do {
    scanner.skipSpaces();
    values.push(scanner.token(false));
    scanner.skipSpaces();
  } while (scanner.keyword() === "OR" && scanner.take("OR"));
  return scanner.take(")") ? values : [];
}

/** The text of a value; undefined for patterns, ranges, networks and groups. */
function exactValue(field: string, { text, isQuoted }: Token): string | undefined {
  if (isQuoted) return text;
  const isPattern = text.includes("*") || /^(?:[-(<>]|\/\/|(?:AND|OR|NOT)$)/.test(text);
  const isRange = isNumeric(field) && /\.\.|^[1-9]xx$/i.test(text);
  const isNetwork = mayHaveAddresses(field) && /^[\da-f.:]+\/\d+$/i.test(text);
  const isSpecial = isPattern || isRange || isNetwork || columnType(field) === "date";
  return text === "" || isSpecial ? undefined : text;
}
