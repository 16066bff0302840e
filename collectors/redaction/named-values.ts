import { kindOfName } from "./credentials.ts";
import type { SecretKind } from "./kinds.ts";
import { closes, quoteAt, quoteBefore } from "./quotes.ts";
import {
  at,
  type Found,
  hasAt,
  isAlphanumeric,
  isDigit,
  isSpace,
  latin1,
  percentAt,
  type Text,
  type Trigger,
} from "./text.ts";

const EQUALS = 0x3d;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const PERCENT = 0x25;
const MINUS = 0x2d;
const QUOTE = 0x22;
const CR = 0x0d;
/** Longer values are not examined whole for whether they are redacted already. */
const PLAIN_BYTES_MAX = 4096;
/** Values of headers, after which a log may have more on the same line. */
const HEADER_BYTES_MIN = 16;
const NAME_BYTES_MAX = 48;
const BLANKS_MAX = 4;
/** Of a value without quotes; blanks, control characters and quotes end it too. */
const VALUE_ENDS = new Set(Buffer.from("&,;)}]<>|?"));
const PLAIN_VALUE =
  /^(?:null|nil|none|undefined|true|false|-|\*+|x{3,}|\(?(?:hidden|masked|redacted|filtered|removed)\)?|bearer|basic|digest|negotiate)$/i;
/** The last letters of secret names. */
const LAST_LETTERS = "dDeEtTnNyYsSgG";
const lastLetters = new Set(Buffer.from(LAST_LETTERS));

/** The last letter of the name, its quote, of which `\x22` and `%22` end in 2, or a blank. */
export const NAMED_VALUE_TRIGGERS: readonly Trigger[] = [
  { bytes: "=:%", after: `${LAST_LETTERS}"'2 ` },
];

/**
 * The value after a `=` or `:` at this place, which may be percent-encoded, if its name says that it is secret: in URLs,
 * headers, logfmt and JSON, also in JSON inside of a JSON string.
 */
export function findNamedValue(
  text: Text,
  mark: number,
  kinds: ReadonlySet<SecretKind>,
): (Found & { kind: SecretKind }) | undefined {
  const isEncoded = text.bytes[mark] === PERCENT;
  const sign = isEncoded ? percentAt(text, mark) : text.bytes[mark];
  if (sign !== EQUALS && sign !== COLON) return undefined;
  const name = nameBefore(text, mark);
  if (!name) return undefined;
  const kind = kindOfName(name.text);
  if (kind === undefined || !kinds.has(kind)) return undefined;
  const from = skipBlanks(text, mark + (isEncoded ? 3 : 1));
  const quote = quoteAt(text, from);
  const value =
    quote === undefined ? bareValue(text, from, isEncoded) : quotedValue(text, from, quote);
  if (value.from === value.to || isPlain(text, value)) return undefined;
  if (quote === undefined && sign === COLON && !isBareAllowed(text, value, name)) return undefined;
  const isNumber = quote === undefined && sign === COLON;
  return { kind, ...value, ...(isNumber && name.quote !== undefined && { quote: name.quote }) };
}

type Name = { text: string; quote: string | undefined };

function nameBefore(text: Text, mark: number): Name | undefined {
  let to = mark;
  const last = at(text, to - 1);
  if (last === undefined || (isDigit(last) && last !== 0x32)) return undefined;
  while (to > mark - BLANKS_MAX && isSpace(at(text, to - 1))) to -= 1;
  const quote = quoteBefore(text, to);
  if (quote !== undefined) to -= quote.length;
  if (!lastLetters.has(at(text, to - 1) ?? 0)) return undefined;
  let from = to;
  while (from > to - NAME_BYTES_MAX && isName(at(text, from - 1))) from -= 1;
  return { text: latin1(text, from, to), quote };
}

const isName = (byte: number | undefined): boolean =>
  isAlphanumeric(byte) || byte === 0x5f || byte === 0x2d || byte === 0x2e;

function skipBlanks(text: Text, start: number): number {
  let i = start;
  while (i < start + BLANKS_MAX && isSpace(at(text, i))) i += 1;
  return i;
}

/** Up to the same quote at the same level of escaping. */
function quotedValue(text: Text, start: number, quote: string): Found {
  const from = start + quote.length;
  const mark = quote.replace(/^\\+(?!x)/, "");
  const depth = quote.length - mark.length;
  for (let i = from; i < text.end; i += 1) {
    if (text.bytes[i] !== mark.charCodeAt(0) || !hasAt(text, i, mark)) continue;
    if (hasAt(text, i - 4, "\\x5C") || hasAt(text, i - 3, "%5C")) continue;
    let backslashes = 0;
    while (i - backslashes > from && text.bytes[i - 1 - backslashes] === BACKSLASH)
      backslashes += 1;
    if (closes(backslashes, depth)) return { from, to: i - depth };
  }
  return { from, to: text.end };
}

/** In a URL inside of a URL, or percent-encoded JSON, an encoded separator ends the value too. */
function bareValue(text: Text, from: number, isEncoded: boolean): Found {
  let to = from;
  while (to < text.end) {
    const byte = text.bytes[to]!;
    if (byte <= 0x20 || byte === 0x22 || byte === 0x27 || VALUE_ENDS.has(byte)) break;
    if (byte === BACKSLASH && quoteAt(text, to) !== undefined) break;
    if (isEncoded && VALUE_ENDS.has(percentAt(text, to) ?? 0)) break;
    to += 1;
  }
  return { from, to };
}

/** Nothing secret, or redacted already. */
function isPlain(text: Text, { from, to }: Found): boolean {
  const value = latin1(text, from, Math.min(to, from + PLAIN_BYTES_MAX));
  return PLAIN_VALUE.test(value) || value.includes("[redacted:");
}

/**
 * After a colon without quotes a sentence may continue, as in `Invalid password: user is locked`. A secret is a single word at
 * the end of the text or before punctuation; in JSON it is a number.
 */
function isBareAllowed(text: Text, { from, to }: Found, name: Name): boolean {
  if (name.quote !== undefined) return isDigit(at(text, from)) || at(text, from) === MINUS;
  const next = at(text, to);
  if (next === undefined || next === CR || next === QUOTE || VALUE_ENDS.has(next)) return true;
  return to - from >= HEADER_BYTES_MIN && /authorization|x-/i.test(name.text);
}
