import { AppError } from "#platform/errors.ts";

/** Longest first, so that `>=` is not read as `>`. */
const OPERATORS = [">=", "<=", "!=", ">", "<", "=", ":", "~"] as const;
export type Operator = (typeof OPERATORS)[number];

export const FIELD_NAME = /^[A-Za-z_@][\w.@-]*$/;

const KEYWORD = /(?:AND|OR|NOT)(?=[\s()]|$)/y;
/** `[400 TO 499]` and `{400 TO 499}`; a bound is a word or quoted. */
const RANGE = /([[{])\s*("[^"]*"|[^\s"]+)\s+TO\s+("[^"]*"|[^\s"\]}]+)\s*([\]}])/y;
const BARE_ADDRESS = /[0-9A-Fa-f:.]{2,45}(?=[\s()]|$)/y;

/** One word or quoted string; `at` is its index in the query. */
export type Token = { text: string; isQuoted: boolean; at: number };
/** The bounds of `[from TO to]`, and whether they belong to the range. */
export type RangeToken = { from: Token; to: Token; hasFrom: boolean; hasTo: boolean };

/** Reads a query from left to right. */
export class Scanner {
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

  isNext(sign: string): boolean {
    return this.#text.startsWith(sign, this.at);
  }

  take(sign: string): boolean {
    if (!this.isNext(sign)) return false;
    this.at += sign.length;
    return true;
  }

  /** `AND`, `OR` or `NOT`, in capitals and alone, without reading it. */
  keyword(): string | undefined {
    return this.#match(KEYWORD)?.[0];
  }

  operator(): Operator | undefined {
    const found = OPERATORS.find((sign) => this.take(sign));
    // `status:>=500` is equivalent to `status>=500`.
    if (found !== ":") return found;
    return this.comparison() ?? found;
  }

  comparison(): Operator | undefined {
    return OPERATORS.find((sign) => /[<>]/.test(sign) && this.take(sign));
  }

  range(): RangeToken | undefined {
    const { at } = this;
    const found = this.#match(RANGE);
    if (!found) return undefined;
    const [whole, open, from = "", to = "", close] = found;
    this.at += whole.length;
    return {
      from: bound(from, at + whole.indexOf(from, 1)),
      to: bound(to, at + whole.lastIndexOf(to, whole.length - 1)),
      hasFrom: open === "[",
      hasTo: close === "]",
    };
  }

  /** An IPv6 address without a field before it looks like a field with a value. */
  bareAddress(): string | undefined {
    return this.#match(BARE_ADDRESS)?.[0];
  }

  /**
   * A quoted string, or the characters up to a space or to a parenthesis that was opened before; if a field is possible,
   * also up to an operator.
   */
  token(isField: boolean): Token {
    const { at } = this;
    if (this.isNext('"')) return this.#quoted();
    const end = isField ? /[\s:=<>~!()]/ : /\s/;
    let opened = 0;
    for (; !this.isAtEnd; this.at += 1) {
      const character = this.#text.charAt(this.at);
      if (end.test(character) || (character === ")" && opened === 0)) break;
      if (character === "(") opened += 1;
      if (character === ")") opened -= 1;
    }
    return { text: this.#text.slice(at, this.at), isQuoted: false, at };
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.at;
    return pattern.exec(this.#text);
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

const bound = (text: string, at: number): Token =>
  text.startsWith('"')
    ? { text: text.slice(1, -1), isQuoted: true, at }
    : { text, isQuoted: false, at };

/** The error of a query: the mistake and its column, from 1. */
export function wrong(at: number, reason: string): AppError {
  const message = `column ${at + 1}: ${reason}`;
  return new AppError("bad_request", message, {
    fields: [{ path: "query.q", code: "invalid_query", message }],
  });
}
