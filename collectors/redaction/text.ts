/** The bytes [start, end) in which secrets are looked for; what is beyond them is not read. */
export type Text = {
  bytes: Uint8Array;
  start: number;
  end: number;
  /** Where the whole text begins; `start` is after the secrets that were found in it. */
  readonly origin: number;
  /** How far strings of JSON have been read, and whether that place is in one. */
  readonly strings: { at: number; isIn: boolean };
};

/** Where a secret is. `quote`: quotes that its replacement requires, because it was a bare number in JSON. */
export type Found = { from: number; to: number; quote?: string };

const WORD = 1;
const DIGIT = 2;
const LETTER = 4;
const HEX = 8;
const BASE64_URL = 16;
const SPACE = 32;
const ESCAPED = new Set(Buffer.from("ntrbf"));
const ESCAPE_LENGTHS = [2, 4, 6] as const;
const classes = new Uint8Array(256);

function add(mask: number, characters: string): void {
  for (const code of Buffer.from(characters)) classes[code] = (classes[code] ?? 0) | mask;
}

const LOWER = "abcdefghijklmnopqrstuvwxyz";
add(DIGIT | WORD | HEX | BASE64_URL, "0123456789");
add(LETTER | WORD | BASE64_URL, LOWER + LOWER.toUpperCase());
add(HEX, "abcdefABCDEF");
add(WORD, "_");
add(BASE64_URL, "-_");
add(SPACE, " \t\r\n");

const has = (byte: number | undefined, mask: number): boolean =>
  byte !== undefined && (classes[byte]! & mask) !== 0;

/** Letters, digits and the underscore. */
export const isWordByte = (byte: number | undefined): boolean => has(byte, WORD);
export const isDigit = (byte: number | undefined): boolean => has(byte, DIGIT);
export const isLetter = (byte: number | undefined): boolean => has(byte, LETTER);
export const isAlphanumeric = (byte: number | undefined): boolean => has(byte, LETTER | DIGIT);
const isHex = (byte: number | undefined): boolean => has(byte, HEX);
export const isBase64Url = (byte: number | undefined): boolean => has(byte, BASE64_URL);
export const isSpace = (byte: number | undefined): boolean => has(byte, SPACE);

/** The byte at this place; undefined outside of the text. */
export const at = ({ bytes, start, end }: Text, i: number): number | undefined =>
  i >= start && i < end ? bytes[i] : undefined;

/** Whether the text has these ASCII characters at this place. */
export function hasAt(text: Text, i: number, expected: string): boolean {
  if (i < text.start || i + expected.length > text.end) return false;
  for (let k = 0; k < expected.length; k += 1) {
    if (text.bytes[i + k] !== expected.charCodeAt(k)) return false;
  }
  return true;
}

/** The end of the bytes from `i` on that are of this class. */
export function endOf(text: Text, i: number, is: (byte: number | undefined) => boolean): number {
  let end = i;
  while (end < text.end && is(text.bytes[end])) end += 1;
  return end;
}

/** The byte that the percent-encoding at this place stands for; undefined if there is none. */
export function percentAt(text: Text, i: number): number | undefined {
  const [high, low] = [at(text, i + 1), at(text, i + 2)];
  if (at(text, i) !== 0x25 || !isHex(high) || !isHex(low)) return undefined;
  return Number.parseInt(String.fromCharCode(high ?? 0, low ?? 0), 16);
}

/** Whether a percent-encoding ends right before this place, so that its last digit does not belong to what follows. */
export const isAfterPercent = (text: Text, i: number): boolean =>
  percentAt(text, i - 3) !== undefined;

/** Length of an escape sequence that begins at this place, as in JSON and in logs of nginx; 0 if there is none. */
export function escapeLength(text: Text, i: number): number {
  if (at(text, i) !== 0x5c) return 0;
  const letter = at(text, i + 1);
  if (letter === 0x75) return 6;
  if (letter === 0x78) return 4;
  return letter !== undefined && ESCAPED.has(letter) ? 2 : 0;
}

/** Whether the byte before this place belongs to the same word. The last letter of `\\n` or `%3D` does not. */
export function isInWord(text: Text, i: number): boolean {
  if (!isWordByte(at(text, i - 1)) || isAfterPercent(text, i)) return false;
  return ESCAPE_LENGTHS.every((length) => escapeLength(text, i - length) !== length);
}

export const latin1 = ({ bytes }: Text, from: number, to: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString("latin1");

/** A byte, and the one before it: one of these characters, or no letter and no digit. Without `after` any. */
export type Trigger = { bytes: string; after?: string | typeof NO_WORD };
export const NO_WORD = Symbol("no letter and no digit");

export function isPair({ bytes, after }: Trigger, before: number, byte: number): boolean {
  if (!bytes.includes(String.fromCharCode(byte))) return false;
  if (after === undefined) return true;
  return after === NO_WORD ? !isAlphanumeric(before) : after.includes(String.fromCharCode(before));
}

/** An escape sequence or a percent-encoding, after which a word may begin. */
export const AFTER_ESCAPE: Trigger = { bytes: "%\\" };

/** Where a word begins that is at this place, or after the escape sequence or percent-encoding at this place. */
export function startOfWord(text: Text, i: number): number {
  const byte = text.bytes[i];
  if (byte === 0x25) return percentAt(text, i) === undefined ? i : i + 3;
  return byte === 0x5c ? i + escapeLength(text, i) : i;
}
