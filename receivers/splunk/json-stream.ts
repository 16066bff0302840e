import { parseJsonLine } from "#collectors/formats/json-line.ts";

const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

type Json = { object: Record<string, unknown> } | { reason: string };

/**
 * The JSON objects of a body, one after the other, with white space between them or not. Ends with a reason where there is
 * something else. Time is linear in the length of the body.
 */
export function* jsonObjects(body: Uint8Array): Generator<Json, void> {
  for (let at = skipSpace(body, 0); at < body.length;) {
    const end = objectEnd(body, at);
    const parsed = parseJsonLine(body, at, end);
    yield parsed;
    if ("reason" in parsed) return;
    at = skipSpace(body, end);
  }
}

function skipSpace(body: Uint8Array, start: number): number {
  let at = start;
  while (at < body.length && (body[at] ?? 0) <= 0x20) at += 1;
  return at;
}

/** After the brace that closes the object at `start`; the end of the body if none does. */
function objectEnd(body: Uint8Array, start: number): number {
  let depth = 0;
  for (let at = start; at < body.length; at += 1) {
    const byte = body[at];
    if (byte === QUOTE) at = stringEnd(body, at);
    else if (byte === OPEN_BRACE) depth += 1;
    else if (byte === CLOSE_BRACE) {
      depth -= 1;
      if (depth <= 0) return at + 1;
    }
  }
  return body.length;
}

/** The position of the quote that ends the string at `start`. */
function stringEnd(body: Uint8Array, start: number): number {
  let at = start + 1;
  while (at < body.length && body[at] !== QUOTE) at += body[at] === BACKSLASH ? 2 : 1;
  return at;
}
