import { createHash } from "node:crypto";

import type { RowWriter } from "./text-line.ts";

/** Longer statements have the query text of their beginning. */
const STATEMENT_CHARS_MAX = 16_384;
const TEXT_CHARS_MAX = 4_096;
const FINGERPRINT_CHARS = 16;

/** What a double quote encloses: an identifier in PostgreSQL, a text in MySQL and in commands of MongoDB. */
export type QueryDialect = "postgresql" | "mysql" | "mongodb";

const SPACES = /[\s\0]+/y;
/** MySQL also has comments from # to the end of the line. */
const LINE_COMMENT = { postgresql: /--[^\n]*/y, mysql: /(?:--(?=\s|$)|#)[^\n]*/y, mongodb: /$^/y };
const BLOCK_COMMENT = /\/\*(?:[^*]|\*(?!\/))*(?:\*\/)?/y;
const SINGLE_QUOTED = /(?:[enbx]|u&)?'(?:[^'\\]|\\.|'')*'?/isy;
/** Without E, a backslash in a text of PostgreSQL is a plain character. */
const PLAIN_QUOTED = /(?:[nbx]|u&)?'(?:[^']|'')*'?/iy;
const DOUBLE_QUOTED = /"(?:[^"\\]|\\.|"")*"?/sy;
const BACKTICKS = /`[^`]*`?/y;
const DOLLAR_QUOTED = /\$([a-z_]\w*)?\$/iy;
const PARAMETER = /\$\d+/y;
const NUMBER = /(?:0x[\da-f]+|\d+(?:\.\d*)?(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?)(?![\w$])/iy;
const WORD = /[\p{L}\p{N}_@$]+/uy;
const VALUES = new Set(["null", "true", "false"]);
const SIGNS = new Set(["-", "+"]);
/** After these a sign belongs to a number. */
const OPERAND_STARTS = new Set("( [ , : = < > <= >= <> != + - * /".split(" "));
const OPERATOR = /->>?|[<>!=|&*/%^~]+|::/y;
/** Words before a parenthesis that name no function and no table. */
const KEYWORDS = new Set(
  "all and any as by exists from in into is join not on or over select set union using values where with".split(
    " ",
  ),
);
/** Larger groups in parentheses are not compared with the one before them. */
const GROUP_TOKENS_MAX = 256;

/**
 * Writes what statements that differ only in their values have in common: `db.query.text`, the statement with ? instead of
 * values, and `db.query.fingerprint`, its hash.
 */
export function putQuery(row: RowWriter, statement: string, dialect: QueryDialect): void {
  putQueryText(row, queryText(statement, dialect));
}

/** The same for a text that has no values. */
export function putQueryText(row: RowWriter, text: string): void {
  if (text === "") return;
  row.text("db.query.text", text);
  row.text("db.query.fingerprint", fingerprintOf(text));
}

/** The first 64 bits of the SHA-256 of a query text, in hexadecimal. */
export function fingerprintOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, FINGERPRINT_CHARS);
}

/**
 * A statement with ? instead of its values, without comments, in lower case except for quoted names; lists of values of
 * any length are the same. Never fails: a statement may be cut, or of a dialect that a parser would refuse. Takes time
 * linear in the length of the statement, of which it reads the first 16,384 characters.
 */
export function queryText(statement: string, dialect: QueryDialect): string {
  const tokens = new TokenList();
  const text = statement.slice(0, STATEMENT_CHARS_MAX);
  let at = 0;
  while (at < text.length) {
    const token = nextToken(text, at, dialect);
    if (token.text !== "") tokens.add(token.text);
    at = token.end;
  }
  return tokens.text().slice(0, TEXT_CHARS_MAX);
}

type Token = { text: string; end: number };

function matchEnd(pattern: RegExp, text: string, at: number): number | undefined {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}

/** The token at this position; comments and white space are tokens without text. */
function nextToken(text: string, at: number, dialect: QueryDialect): Token {
  const skipped =
    matchEnd(SPACES, text, at) ??
    matchEnd(LINE_COMMENT[dialect], text, at) ??
    matchEnd(BLOCK_COMMENT, text, at);
  if (skipped !== undefined) return { text: "", end: skipped };
  const value = valueEnd(text, at, dialect);
  if (value !== undefined) return { text: "?", end: value };
  const name = matchEnd(BACKTICKS, text, at) ?? matchEnd(DOUBLE_QUOTED, text, at);
  if (name !== undefined) return { text: text.slice(at, name), end: name };
  const word = matchEnd(WORD, text, at);
  if (word !== undefined) {
    const written = text.slice(at, word);
    return { text: dialect === "mongodb" ? written : written.toLowerCase(), end: word };
  }
  const end = matchEnd(OPERATOR, text, at) ?? at + 1;
  return { text: text.slice(at, end), end };
}

function valueEnd(text: string, at: number, dialect: QueryDialect): number | undefined {
  const isPostgres = dialect === "postgresql";
  const hasEscapes = !isPostgres || text.charCodeAt(at) === 0x45 || text.charCodeAt(at) === 0x65;
  const quoted = matchEnd(hasEscapes ? SINGLE_QUOTED : PLAIN_QUOTED, text, at);
  if (quoted !== undefined) return quoted;
  if (!isPostgres) {
    const double = matchEnd(DOUBLE_QUOTED, text, at);
    // In a command of MongoDB, a quoted text before a colon is the name of a field.
    if (double !== undefined && !(dialect === "mongodb" && text[double] === ":")) return double;
  }
  return (
    (isPostgres ? dollarQuotedEnd(text, at) : undefined) ??
    matchEnd(PARAMETER, text, at) ??
    matchEnd(NUMBER, text, at)
  );
}

/** The end of `$tag$ … $tag$`, or of the text if it was cut. */
function dollarQuotedEnd(text: string, at: number): number | undefined {
  const begin = matchEnd(DOLLAR_QUOTED, text, at);
  if (begin === undefined) return undefined;
  const tag = text.slice(at, begin);
  const close = text.indexOf(tag, begin);
  return close < 0 ? text.length : close + tag.length;
}

/** Collects the tokens of a statement, and makes lists that differ only in their length the same. */
class TokenList {
  readonly #tokens: string[] = [];
  /** Where the open parentheses are. */
  readonly #open: number[] = [];
  /** The latest closed group of each depth: where it ends, and its text. */
  readonly #groups: ({ end: number; text: string } | undefined)[] = [];

  add(token: string): void {
    const tokens = this.#tokens;
    const before = tokens.at(-1) ?? "";
    if (token === "?" || VALUES.has(token)) {
      this.#addValue(token, before);
      return;
    }
    tokens.push(token);
    if (token === "(" || token === "[") this.#open.push(tokens.length - 1);
    else if (token === ")" || token === "]") this.#close();
  }

  #addValue(token: string, before: string): void {
    const tokens = this.#tokens;
    if (token !== "?" && (before === "is" || before === "not")) {
      tokens.push(token);
      return;
    }
    if (SIGNS.has(before) && OPERAND_STARTS.has(tokens.at(-2) ?? "")) tokens.pop();
    // Of consecutive values in a list, one remains.
    if (tokens.at(-1) === "," && tokens.at(-2) === "?" && this.#isList()) {
      tokens.pop();
      return;
    }
    tokens.push("?");
  }

  /** Whether the open parenthesis is that of a list of values, unlike that of the arguments of a function. */
  #isList(): boolean {
    const open = this.#open.at(-1);
    if (open === undefined) return false;
    if (this.#tokens[open] === "[") return true;
    return /^(?:in|values?|,)$/.test(this.#tokens[open - 1] ?? "");
  }

  /** Drops a group in parentheses that repeats the one before it, such as another row of VALUES. */
  #close(): void {
    const tokens = this.#tokens;
    const from = this.#open.pop();
    if (from === undefined) return;
    const depth = this.#open.length;
    const before = this.#groups[depth];
    this.#groups.length = depth;
    const end = tokens.length;
    if (end - from > GROUP_TOKENS_MAX) return;
    const text = tokens.slice(from).join(" ");
    const isNext = tokens[from - 1] === "," && before?.end === from - 1;
    if (isNext && before.text === text) {
      tokens.length = from - 1;
      this.#groups[depth] = before;
    } else this.#groups[depth] = { end, text };
  }

  text(): string {
    while (this.#tokens.at(-1) === ";") this.#tokens.pop();
    return this.#tokens
      .join(" ")
      .replaceAll(/ ?([,;.]) ?/g, (_all, mark: string) => (mark === "." ? "." : `${mark} `))
      .replaceAll(/([([]) | ([)\]])/g, "$1$2")
      .replaceAll(/ (::) /g, "$1")
      .replaceAll(/(\w+) \(/g, (all, word: string) => (KEYWORDS.has(word) ? all : `${word}(`));
  }
}
