import { parseJsonLine } from "#collectors/formats/json-line.ts";

import { objectEnd, skipSpace } from "../framing/json-objects.ts";

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
