import { at, hasAt, isSpace, type Text } from "./text.ts";

const QUOTE = 0x22;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPENING_BRACE = 0x7b;
const OPENING_BRACKET = 0x5b;
const CLOSING = new Set(Buffer.from(",]}"));
const BACKSLASH = 0x5c;
/** As they are, as nginx and Apache escape them, and percent-encoded. */
const QUOTES = ['"', "'", "\\x22", "%22"] as const;

/** The quote at this place with the backslashes before it, as it has in a JSON string. */
export function quoteAt(text: Text, start: number): string | undefined {
  let i = start;
  while (at(text, i) === BACKSLASH && at(text, i + 1) !== 0x78) i += 1;
  const quote = QUOTES.find((it) => hasAt(text, i, it));
  return quote === undefined ? undefined : "\\".repeat(i - start) + quote;
}

/** The quote that ends right before this place. */
export function quoteBefore(text: Text, end: number): string | undefined {
  const quote = QUOTES.find((it) => hasAt(text, end - it.length, it));
  if (quote === undefined) return undefined;
  let from = end - quote.length;
  while (at(text, from - 1) === BACKSLASH) from -= 1;
  return "\\".repeat(depthOf(end - quote.length - from)) + quote;
}

/** Of the backslashes before a quote that ends a string, the number of those that escape it; the others are in the string. */
export function depthOf(backslashes: number): number {
  let depth = 0;
  while (depth < backslashes && !closes(backslashes, depth)) depth = 2 * depth + 1;
  return Math.min(depth, backslashes);
}

/** Whether a quote after these backslashes ends a string. Each level of JSON strings doubles the backslashes in it. */
export const closes = (backslashes: number, depth: number): boolean =>
  backslashes % (2 * depth + 2) === depth;

/**
 * The quote that text needs in place of a number, because it is a value of JSON without quotes, also in JSON inside of a JSON
 * string. Undefined if it is none.
 */
export function quoteOfNumber(text: Text, from: number, to: number): string | undefined {
  let after = to;
  while (isSpace(at(text, after))) after += 1;
  if (!CLOSING.has(at(text, after) ?? 0)) return undefined;
  const whole = { ...text, start: text.origin };
  let before = from - 1;
  while (isSpace(at(whole, before))) before -= 1;
  const byte = at(whole, before);
  const first = at(whole, text.origin);
  const isJson = first === OPENING_BRACE || first === OPENING_BRACKET;
  const isIn = isJson && isInString(text, before);
  if (byte === COLON) {
    while (isSpace(at(whole, before - 1))) before -= 1;
    const quote = quoteBefore(whole, before);
    return isIn && quote === '"' ? undefined : quote;
  }
  const isItem = byte === OPENING_BRACKET || byte === COMMA;
  return isItem && isJson && !isIn ? '"' : undefined;
}

/** Whether the place is in a string of JSON. To be called with ascending places, so that the text is read once. */
function isInString({ bytes, strings }: Text, i: number): boolean {
  for (; strings.at < i; strings.at += 1) {
    const byte = bytes[strings.at];
    if (byte === QUOTE) strings.isIn = !strings.isIn;
    else if (byte === BACKSLASH && strings.isIn) strings.at += 1;
  }
  return strings.isIn;
}
