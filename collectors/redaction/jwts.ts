import {
  at,
  endOf,
  type Found,
  hasAt,
  isBase64Url,
  isInWord,
  latin1,
  type Text,
  type Trigger,
} from "./text.ts";

const DOT = 0x2e;
const PAYLOAD_BYTES_MIN = 3;

/** `eyJ`, with which a header begins, is base64 for `{"`; this is its rarest character. */
export const JWT_TRIGGERS: readonly Trigger[] = [{ bytes: "J", after: "y" }];

/** A signed, unsigned or encrypted JSON Web Token whose `eyJ` has its J at this place. */
export function findJwt(text: Text, mark: number): Found | undefined {
  const from = mark - 2;
  if (!hasAt(text, from, "eyJ") || isInWord(text, from)) return undefined;
  const headerEnd = endOf(text, mark, isBase64Url);
  if (!isHeader(latin1(text, from, headerEnd))) return undefined;
  let to = headerEnd;
  while (at(text, to) === DOT) to = endOf(text, to + 1, isBase64Url);
  return to - headerEnd > PAYLOAD_BYTES_MIN ? { from, to } : undefined;
}

function isHeader(encoded: string): boolean {
  const decoded = Buffer.from(encoded.slice(0, 4096), "base64url").toString("latin1");
  return /"(?:alg|typ|kid|enc)"\s*:/.test(decoded);
}
