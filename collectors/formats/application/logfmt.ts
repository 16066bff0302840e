const SPACE = 0x20;
const QUOTE = 0x22;
const APOSTROPHE = 0x27;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;
const PAIRS_MAX = 500;
const KEY = /^[A-Za-z_@$][\w.@$/:[\]-]{0,127}$/;
const NUMBER = /^-?(?:0|[1-9]\d{0,14})(?:\.\d{1,12})?$/;

/**
 * The pairs of a logfmt line (`level=info msg="two words" n=7 done`), or why it is none. A name without a value is true. Numbers
 * are numbers. Takes time linear in the length of the text.
 */
export function parseLogfmt(text: string): Map<string, unknown> | string {
  const pairs = new Map<string, unknown>();
  let at = 0;
  while (at < text.length) {
    if (text.charCodeAt(at) <= SPACE) {
      at += 1;
      continue;
    }
    const keyEnd = endOfToken(text, at);
    const key = text.slice(at, keyEnd);
    if (!KEY.test(key)) return `not logfmt: ${JSON.stringify(key.slice(0, 60))} is no name`;
    if (pairs.size >= PAIRS_MAX) return `logfmt has more than ${PAIRS_MAX} fields`;
    at = keyEnd;
    if (text.charCodeAt(at) !== EQUALS) {
      pairs.set(key, true);
      continue;
    }
    const value = valueAt(text, at + 1);
    if (value === undefined) return `not logfmt: the quotes of ${key.slice(0, 60)} do not end`;
    pairs.set(key, value.value);
    at = value.end;
  }
  return pairs;
}

/** The end of a name: an equals sign or white space. */
function endOfToken(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.charCodeAt(at) > SPACE && text.charCodeAt(at) !== EQUALS) at += 1;
  return at;
}

function valueAt(text: string, from: number): { value: unknown; end: number } | undefined {
  if (text.charCodeAt(from) === QUOTE) return quotedAt(text, from);
  const apostrophe = text.charCodeAt(from) === APOSTROPHE ? lastApostrophe(text, from + 1) : -1;
  if (apostrophe > 0) return { value: text.slice(from + 1, apostrophe), end: apostrophe + 1 };
  let end = from;
  while (end < text.length && text.charCodeAt(end) > SPACE) end += 1;
  const value = text.slice(from, end);
  return { value: NUMBER.test(value) ? Number(value) : value, end };
}

/** The end of a value in apostrophes, as Lograge writes errors: before a space. -1 if it does not end. */
function lastApostrophe(text: string, from: number): number {
  let at = text.indexOf("'", from);
  while (at >= 0 && at + 1 < text.length && text.charCodeAt(at + 1) > SPACE)
    at = text.indexOf("'", at + 1);
  return at;
}

/** A value in quotes, with the escapes of Go, which are those of JSON but for `\x1b`. */
function quotedAt(text: string, from: number): { value: string; end: number } | undefined {
  let at = from + 1;
  let isEscaped = false;
  while (at < text.length && text.charCodeAt(at) !== QUOTE) {
    if (text.charCodeAt(at) === BACKSLASH) {
      isEscaped = true;
      at += 1;
    }
    at += 1;
  }
  if (at >= text.length) return undefined;
  const value = text.slice(from + 1, at);
  return { value: isEscaped ? unescaped(value) : value, end: at + 1 };
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r" };

const unescaped = (text: string): string =>
  text.replaceAll(
    /\\(?:u([\da-fA-F]{4})|x([\da-fA-F]{2})|(.))/gs,
    (_all, wide?: string, byte?: string, plain: string = "") => {
      const code = wide ?? byte;
      return code === undefined
        ? (ESCAPES[plain] ?? plain)
        : String.fromCharCode(parseInt(code, 16));
    },
  );
