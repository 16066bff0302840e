import { depthOf } from "./quotes.ts";
import { at, endOf, type Found, hasAt, latin1, type Text, type Trigger } from "./text.ts";

const BACKSLASH = 0x5c;
const BEGIN = "-----BEGIN ";
const END = Buffer.from("-----END ");
const DASHES = Buffer.from("-----");
const LABEL_BYTES_MAX = 40;
const LABEL = /^[A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----/;

export const PRIVATE_KEY_TRIGGERS: readonly Trigger[] = [{ bytes: "-", after: "-" }];

/**
 * A private key in PEM whose second dash is at this place, also if its line ends are escaped. A key whose end is missing extends to the
 * next quote, or to the end of the text.
 */
export function findPrivateKey(text: Text, second: number): Found | undefined {
  const from = second - 1;
  if (!hasAt(text, from, BEGIN)) return undefined;
  const labelFrom = from + BEGIN.length;
  const label = latin1(text, labelFrom, Math.min(text.end, labelFrom + LABEL_BYTES_MAX));
  if (!LABEL.test(label)) return undefined;
  const limit = endOf(text, labelFrom, isInString);
  const bytes = Buffer.from(text.bytes.buffer, text.bytes.byteOffset, limit);
  const end = bytes.indexOf(END, labelFrom);
  const dashes = end < 0 ? -1 : bytes.indexOf(DASHES, end + END.length);
  if (dashes >= 0) return { from, to: dashes + DASHES.length };
  const backslashes = limit - startOfBackslashes(text, limit);
  return { from, to: limit - depthOf(backslashes) };
}

const isInString = (byte: number | undefined): boolean => byte !== 0x22 && byte !== 0x27;

function startOfBackslashes(text: Text, end: number): number {
  let start = end;
  while (at(text, start - 1) === BACKSLASH) start -= 1;
  return start;
}
