import { isIPv6 } from "node:net";

import type { Filter } from "./filter.ts";
import { formatFilter } from "./query/format.ts";
import { resolveField } from "./query/names.ts";
import { FIELD_NAME, type Operator, Scanner, type Token, wrong } from "./query/scanner.ts";
import { fieldFilter, type FieldTerm, negated, rangeFilter, wordCondition } from "./query/term.ts";

export { formatFilter, resolveField };

/**
 * The query language of the search box, of `--where`, of URLs and of the Logging API; docs/search.md describes it.
 *
 *   timeout "out of memory"          words and phrases; terms that are joined by nothing or AND must all match
 *   status:500 OR status:502         OR and NOT in capitals, parentheses; AND binds tighter than OR
 *   status:(500 OR 502)              a field for several values
 *   route:/api/*  path~"/a b*"       `*` matches any characters, case-insensitive; in quotes it is literal, after `~` never
 *   status>=500  bytes:[10 TO 20]    numbers and times by size; {10 TO 20} without the bounds, * for an open one
 *   ip:203.0.113.0/24                addresses of a network
 *   user:*  -user:*                  the field exists, or does not
 *   -dataset:nginx.error             a minus is NOT
 *
 * Quotes in quotes are written \" and a backslash \\. A field is an alias or any ECS name; in quotes, exactly that name.
 */

const QUERY_CHARS_MAX = 4000;
const TERMS_MAX = 50;
const DEPTH_MAX = 20;

/** A field as it was written without quotes, and its index in the query. */
export type Mention = { name: string; at: number };
type ParsedQuery = { filter: Filter; mentions: readonly Mention[] };

/** Parses a query. @throws AppError bad_request with the mistake and its column (from 1) */
export function parseQuery(text: string): Filter {
  return parseMentions(text).filter;
}

/** Parses a query, with the fields that it names. @throws AppError like `parseQuery` */
export function parseMentions(text: string): ParsedQuery {
  if (text.length > QUERY_CHARS_MAX) {
    throw wrong(QUERY_CHARS_MAX, `the query is longer than ${QUERY_CHARS_MAX} characters`);
  }
  const parser = new Parser(text);
  return { filter: parser.parse(), mentions: parser.mentions };
}

/** A recursive-descent parser, bounded in depth and terms. */
class Parser {
  readonly mentions: Mention[] = [];
  readonly #scanner: Scanner;
  #terms = 0;
  #depth = 0;

  constructor(text: string) {
    this.#scanner = new Scanner(text);
  }

  parse(): Filter {
    const scanner = this.#scanner;
    scanner.skipSpaces();
    if (scanner.isAtEnd) return [];
    const filter = this.#alternatives(undefined);
    if (scanner.isAtEnd) return filter;
    throw wrong(scanner.at, 'this ) closes nothing: remove it, or put the text in quotes: "a)"');
  }

  /** `a OR b`; of a field, if it is given: `field:(a OR b)`. */
  #alternatives(of: FieldTerm | undefined): Filter {
    const first = this.#conjunction(of);
    const more: Filter[] = [];
    while (this.#takeKeyword("OR")) more.push(this.#conjunction(of));
    return more.length === 0 ? first : [{ op: "or", of: [first, ...more] }];
  }

  /** `a b` and `a AND b`. */
  #conjunction(of: FieldTerm | undefined): Filter {
    const scanner = this.#scanner;
    const parts = [this.#part(of)];
    for (;;) {
      scanner.skipSpaces();
      const isJoined = this.#takeKeyword("AND");
      const isOver = scanner.isAtEnd || scanner.isNext(")") || scanner.keyword() === "OR";
      if (isOver && !isJoined) return parts.flat();
      parts.push(this.#part(of));
    }
  }

  /** A term, a group in parentheses, or the opposite of one. */
  #part(of: FieldTerm | undefined): Filter {
    const scanner = this.#scanner;
    scanner.skipSpaces();
    const { at } = scanner;
    this.#checkPart(at);
    if (this.#takeKeyword("NOT")) return negated(this.#nested(at, () => this.#part(of)));
    // A minus alone is a mistake, and one before a space belongs to the text.
    if (scanner.take("-")) {
      if (this.#isTermOver()) throw wrong(at, "the term is empty");
      if (scanner.isNext("-")) throw wrong(at, 'put a text with two minus signs in quotes: "--a"');
      return negated(this.#nested(at, () => this.#part(of)));
    }
    if (scanner.take("(")) return this.#nested(at, () => this.#group(of, at));
    this.#terms += 1;
    if (this.#terms > TERMS_MAX) throw wrong(at, `a query has at most ${TERMS_MAX} terms`);
    return of
      ? this.#fieldTerm({ ...of, operator: scanner.comparison() ?? of.operator })
      : this.#term();
  }

  #checkPart(at: number): void {
    const scanner = this.#scanner;
    const keyword = scanner.keyword();
    if (scanner.isAtEnd) throw wrong(at, "a term is missing at the end");
    if (scanner.isNext(")")) throw wrong(at, 'a term is missing before this ): "…" quotes a text');
    if (keyword === "AND" || keyword === "OR") {
      const advice = `to search for the word, write "${keyword}"`;
      throw wrong(at, `a term is missing before ${keyword}; ${advice}`);
    }
  }

  #isTermOver(): boolean {
    const before = this.#scanner.at;
    this.#scanner.skipSpaces();
    const isOver = this.#scanner.isAtEnd || this.#scanner.at > before || this.#scanner.isNext(")");
    this.#scanner.at = before;
    return isOver;
  }

  #nested(at: number, parse: () => Filter): Filter {
    this.#depth += 1;
    if (this.#depth > DEPTH_MAX) {
      throw wrong(at, `parentheses and NOT may be nested ${DEPTH_MAX} deep at most`);
    }
    const filter = parse();
    this.#depth -= 1;
    return filter;
  }

  #group(of: FieldTerm | undefined, at: number): Filter {
    const filter = this.#alternatives(of);
    if (this.#scanner.take(")")) return filter;
    throw wrong(at, 'the parenthesis that opens here is not closed: add ), or quote it: "("');
  }

  #takeKeyword(word: "AND" | "OR" | "NOT"): boolean {
    this.#scanner.skipSpaces();
    return this.#scanner.keyword() === word && this.#scanner.take(word);
  }

  #term(): Filter {
    const scanner = this.#scanner;
    const from = scanner.at;
    const address = scanner.bareAddress();
    if (address !== undefined && isIPv6(address)) return this.#words();
    const name = scanner.token(true);
    const operator = isFieldName(name) ? scanner.operator() : undefined;
    const isUrl = !name.isQuoted && operator === ":" && scanner.take("//");
    if (operator === undefined || isUrl) {
      scanner.at = from;
      return this.#words();
    }
    if (!name.isQuoted) this.mentions.push({ name: name.text, at: name.at });
    const field = name.isQuoted ? name.text : resolveField(name.text);
    return this.#fieldTerm({ field, name: name.text, operator });
  }

  #fieldTerm(term: FieldTerm): Filter {
    const scanner = this.#scanner;
    if (isEquality(term.operator)) {
      const { at } = scanner;
      if (scanner.take("(")) return this.#nested(at, () => this.#group(term, at));
      const range = scanner.range();
      if (range) return rangeFilter(term.field, range);
    }
    return this.#value(term);
  }

  #value(term: FieldTerm): Filter {
    const value = this.#scanner.token(false);
    if (value.text === "" && !value.isQuoted) {
      const { name, operator } = term;
      throw wrong(value.at, `${name}${operator} needs a value: ${name}:* matches any`);
    }
    return fieldFilter(term, value);
  }

  #words(): Filter {
    const words = this.#scanner.token(false);
    if (words.text === "") throw wrong(words.at, "the term is empty");
    return [wordCondition(words.text)];
  }
}

/** Whether it is a field's name: not a clock time, and not an empty quoted string. */
function isFieldName({ text, isQuoted }: Token): boolean {
  return isQuoted ? text !== "" : FIELD_NAME.test(text);
}

const isEquality = (operator: Operator): boolean => operator === ":" || operator === "=";
