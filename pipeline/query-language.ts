import { FIELDS, type FieldType } from "#collectors/fields.ts";
import { AppError, assertNever } from "#platform/errors.ts";

import type { Condition, Filter } from "./filter.ts";

/**
 * The query language of the search box, of `--where` and of URLs: terms separated by spaces, all of which must match.
 *
 *   timeout "out of memory"     the words occur in the message, the error, URL, user agent, referrer or original
 *                               line; quotes make a phrase
 *   status:500  method:POST     the field has the value, case-sensitive
 *   route:/api/*                `*` matches any characters, case-insensitive; in quotes it is literal
 *   path~"/a b*"                the same for a value with spaces
 *   status>=500  bytes<10       compared as numbers; a time may be written as 2026-05-17T10:00:00Z
 *   user:*                      the field exists
 *   -dataset:nginx.error        a minus negates a condition on a field
 *
 * Quotes in quotes are written \" and a backslash \\. A field is an alias below or any ECS name.
 */
const ALIASES: Readonly<Record<string, string>> = {
  action: "event.action",
  agent: "user_agent.original",
  bytes: "http.response.body.bytes",
  dataset: "data_stream.dataset",
  host: "host.name",
  instance: "service.node.name",
  ip: "source.ip",
  level: "log.level",
  method: "http.request.method",
  path: "url.path",
  referrer: "http.request.referrer",
  route: "http.route",
  service: "service.name",
  status: "http.response.status_code",
  user: "user.name",
};

const QUERY_CHARS_MAX = 4000;
const TERMS_MAX = 50;
const FIELD_NAME = /^[A-Za-z_@][\w.@-]*$/;
/** Longest first, so that `>=` is not read as `>`. */
const OPERATORS = [">=", "<=", "!=", ">", "<", "=", ":", "~"] as const;
type Operator = (typeof OPERATORS)[number];
/** Words and values that do not need quotes. */
const PLAIN_WORD = /^[\w./][\w./@-]*$/;
const PLAIN_VALUE = /^[\w./@+,;%&?#[\]{}|()-][\w./:@+,;%&?#[\]{}|()-]*$/;

type Comparison = "gt" | "gte" | "lt" | "lte";
const COMPARISONS: Partial<Record<Operator, Comparison>> = {
  ">": "gt",
  ">=": "gte",
  "<": "lt",
  "<=": "lte",
};
const SYMBOLS: Record<Comparison, string> = { gt: ">", gte: ">=", lt: "<", lte: "<=" };
const OPPOSITES: Record<Comparison, Comparison> = { gt: "lte", gte: "lt", lt: "gte", lte: "gt" };

/** The ECS name of an alias; other names are unchanged. */
export function resolveField(name: string): string {
  return Object.hasOwn(ALIASES, name) ? (ALIASES[name] ?? name) : name;
}

/** Parses a query. @throws AppError bad_request with the mistake and its column (from 1) */
export function parseQuery(text: string): Filter {
  if (text.length > QUERY_CHARS_MAX) {
    throw wrong(QUERY_CHARS_MAX, `the query is longer than ${QUERY_CHARS_MAX} characters`);
  }
  const scanner = new Scanner(text);
  const conditions: Condition[] = [];
  for (scanner.skipSpaces(); !scanner.isAtEnd; scanner.skipSpaces()) {
    if (conditions.length === TERMS_MAX) {
      throw wrong(scanner.at, `a query has at most ${TERMS_MAX} terms`);
    }
    conditions.push(parseTerm(scanner));
  }
  return conditions;
}

/** Formats a filter as a query that `parseQuery` parses to the same filter. */
export function formatFilter(filter: Filter): string {
  return filter.map(formatCondition).join(" ");
}

/** One word or quoted string. */
type Token = { text: string; isQuoted: boolean; at: number };

class Scanner {
  at = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    return this.at >= this.#text.length;
  }

  skipSpaces(): void {
    while (!this.isAtEnd && /\s/.test(this.#text.charAt(this.at))) this.at += 1;
  }

  take(sign: string): boolean {
    if (!this.#text.startsWith(sign, this.at)) return false;
    this.at += sign.length;
    return true;
  }

  operator(): Operator | undefined {
    const found = OPERATORS.find((sign) => this.take(sign));
    // `status:>=500` is equivalent to `status>=500`.
    if (found !== ":") return found;
    return OPERATORS.find((sign) => COMPARISONS[sign] && this.take(sign)) ?? found;
  }

  /** A quoted string, or the characters up to a space; if a field is possible, also up to an operator. */
  token(isField: boolean): Token {
    const { at } = this;
    if (this.#text.charAt(at) === '"') return this.#quoted();
    const end = isField ? /[\s:=<>~!]/ : /\s/;
    while (!this.isAtEnd && !end.test(this.#text.charAt(this.at))) this.at += 1;
    return { text: this.#text.slice(at, this.at), isQuoted: false, at };
  }

  #quoted(): Token {
    const { at } = this;
    let text = "";
    for (this.at += 1; !this.isAtEnd; this.at += 1) {
      const character = this.#text.charAt(this.at);
      if (character === '"') {
        this.at += 1;
        return { text, isQuoted: true, at };
      }
      if (character === "\\") this.at += 1;
      text += this.#text.charAt(this.at);
    }
    throw wrong(at, 'the quote that opens here is not closed: add "');
  }
}

function parseTerm(scanner: Scanner): Condition {
  const start = scanner.at;
  const isNegated = scanner.take("-");
  const from = scanner.at;
  const name = scanner.token(true);
  const operator = isFieldName(name) ? scanner.operator() : undefined;
  const isUrl = !name.isQuoted && operator === ":" && scanner.take("//");
  if (operator === undefined || isUrl) {
    scanner.at = from;
    return parseWords(scanner, isNegated, start);
  }
  const field = name.isQuoted ? name.text : resolveField(name.text);
  const value = scanner.token(false);
  if (value.text === "" && !value.isQuoted) {
    throw wrong(value.at, `${name.text}${operator} needs a value: ${name.text}:* matches any`);
  }
  return condition({ field, operator, value, isNegated });
}

/** Whether it is a field's name: not a clock time, and not an empty quoted string. */
function isFieldName({ text, isQuoted }: Token): boolean {
  return isQuoted ? text !== "" : FIELD_NAME.test(text);
}

function parseWords(scanner: Scanner, isNegated: boolean, start: number): Condition {
  const words = scanner.token(false);
  if (words.text === "") throw wrong(start, "the term is empty");
  if (isNegated) {
    throw wrong(start, "words cannot be excluded, only values of a field: -level:debug");
  }
  return { field: "*", op: "contains", value: words.text };
}

type Term = { field: string; operator: Operator; value: Token; isNegated: boolean };

function condition(term: Term): Condition {
  const { field, operator, value } = term;
  const comparison = COMPARISONS[operator];
  if (comparison) {
    const op = term.isNegated ? OPPOSITES[comparison] : comparison;
    return { field, op, value: numberIn(field, value) };
  }
  const isNegated = term.isNegated !== (operator === "!=");
  const pattern = operator === "~" ? value.text : patternIn(field, value);
  if (pattern === "*" && operator !== "~") return { field, op: isNegated ? "missing" : "exists" };
  if (pattern !== undefined) return { field, op: isNegated ? "not_like" : "like", value: pattern };
  const exact = isNumeric(field) ? numberIn(field, value) : value.text;
  return { field, op: isNegated ? "ne" : "eq", value: exact };
}

/** `5xx` means 500 to 599. */
function patternIn(field: string, { text, isQuoted }: Token): string | undefined {
  if (isQuoted) return undefined;
  if (text.includes("*")) return text;
  return isNumeric(field) && /^[1-9]xx$/i.test(text) ? `${text.charAt(0)}*` : undefined;
}

function typeOf(field: string): FieldType | undefined {
  const types: Readonly<Record<string, FieldType>> = FIELDS;
  return Object.hasOwn(types, field) ? types[field] : undefined;
}

function isNumeric(field: string): boolean {
  const type = typeOf(field);
  return type === "long" || type === "double" || type === "date";
}

function numberIn(field: string, { text, at }: Token): number {
  const number = text.trim() === "" ? Number.NaN : Number(text);
  if (Number.isFinite(number)) return number;
  const isDate = typeOf(field) === "date";
  const timeMs = isDate ? Date.parse(text) : Number.NaN;
  if (Number.isFinite(timeMs)) return timeMs;
  const what = isDate ? "a time such as 2026-05-17T10:00:00Z" : "a number";
  throw wrong(at, `${field} is compared with ${what}: ${JSON.stringify(text)} is not one`);
}

function wrong(at: number, reason: string): AppError {
  const message = `column ${at + 1}: ${reason}`;
  return new AppError("bad_request", message, {
    fields: [{ path: "query.q", code: "invalid_query", message }],
  });
}

function formatCondition(part: Condition): string {
  if (part.op === "contains") return quotedUnless(PLAIN_WORD, part.value);
  if (isComparison(part)) return `${fieldText(part.field)}${SYMBOLS[part.op]}${part.value}`;
  const field = fieldText(part.field);
  switch (part.op) {
    case "exists":
    case "missing":
      return `${part.op === "missing" ? "-" : ""}${field}:*`;
    case "eq":
    case "ne":
      return `${part.op === "ne" ? "-" : ""}${field}:${exactValue(part.field, part.value)}`;
    case "like":
    case "not_like":
      return `${part.op === "like" ? "" : "-"}${field}~${quotedUnless(PLAIN_VALUE, part.value)}`;
    default:
      return assertNever(part);
  }
}

type Compared = Extract<Condition, { op: Comparison }>;

function isComparison(part: Condition): part is Compared {
  return Object.hasOwn(SYMBOLS, part.op);
}

/** A quoted name is never an alias. */
function fieldText(field: string): string {
  const isPlain = FIELD_NAME.test(field) && resolveField(field) === field;
  return isPlain ? field : quoted(field);
}

function exactValue(field: string, value: string | number): string {
  const text = String(value);
  const isPattern = patternIn(field, { text, isQuoted: false, at: 0 }) !== undefined;
  // `field://…` would be read as a URL.
  return isPattern || text.startsWith("//") ? quoted(text) : quotedUnless(PLAIN_VALUE, text);
}

function quotedUnless(plain: RegExp, text: string): string {
  return plain.test(text) ? text : quoted(text);
}

function quoted(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
