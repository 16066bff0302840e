const QUOTE = 0x22;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const SPACE = 0x20;
/** Members of deeper objects do not count. */
const DEPTH_MAX = 2;
const PRIME = 0x01000193;
const SECOND_PRIME = 0x85ebca6b;

/**
 * A number of 53 bits for the names in the JSON object in [start, end), down to the second level, and the kinds of their
 * values: lines that a program writes at the same place have the same. Undefined if the line does not begin with a brace.
 */
export function jsonShape(bytes: Uint8Array, start: number, end: number): number | undefined {
  if (bytes[start] !== OPEN_BRACE) return undefined;
  let first = 0x811c9dc5;
  let second = 0;
  const mix = (value: number): void => {
    first = Math.imul(first ^ value, PRIME);
    second = Math.imul(second ^ value, SECOND_PRIME) ^ (second >>> 15);
  };
  let depth = 0;
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at];
    if (byte === OPEN_BRACE) depth += 1;
    else if (byte === CLOSE_BRACE) depth -= 1;
    if (byte !== QUOTE) continue;
    const close = stringEnd(bytes, at + 1, end);
    const next = skipSpaces(bytes, close + 1, end);
    if (depth <= DEPTH_MAX && bytes[next] === COLON) {
      for (let i = at; i < close; i += 1) mix(bytes[i] ?? 0);
      mix(depth * 8 + kindOf(bytes[skipSpaces(bytes, next + 1, end)] ?? 0));
    }
    at = close;
  }
  return (first >>> 0) * 0x200000 + (second & 0x1fffff);
}

function stringEnd(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return at;
}

function skipSpaces(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && bytes[at] === SPACE) at += 1;
  return at;
}

/** String, number, object, or another value. */
function kindOf(byte: number): number {
  if (byte === QUOTE) return 1;
  if (byte === OPEN_BRACE) return 2;
  return byte >= 0x2d && byte <= 0x39 ? 3 : 4;
}
