import { quoteOfNumber } from "./quotes.ts";
import {
  AFTER_ESCAPE,
  at,
  type Found,
  hasAt,
  isAlphanumeric,
  isDigit,
  isInWord,
  NO_WORD,
  startOfWord,
  type Text,
  type Trigger,
} from "./text.ts";

const DIGITS = { min: 13, max: 19 };
const DIGIT_0 = 0x30;
const DOT = 0x2e;
const MINUS = 0x2d;
const PERCENT = 0x25;
const UNDERSCORE = 0x5f;
/** How the digits of a card are grouped if they are. */
const GROUPS = new Set(["4,4,4,4", "4,4,4,4,3", "4,4,4,1", "4,6,5", "4,6,4"]);
const SEPARATORS = ["-", " ", "+", "%20"] as const;

/** First digits of the issuers, and the numbers of digits of their cards (ISO/IEC 7812). */
const ISSUERS: readonly { first: RegExp; lengths: readonly number[] }[] = [
  { first: /^4/, lengths: [13, 16, 19] },
  { first: /^(?:5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, lengths: [16] },
  { first: /^3[47]/, lengths: [15] },
  { first: /^(?:30[0-5]|36|3[89])/, lengths: [14, 16, 19] },
  { first: /^(?:6011|64[4-9]|65)/, lengths: [16, 19] },
  { first: /^35(?:2[89]|[3-8])/, lengths: [16, 19] },
  { first: /^62/, lengths: [16, 17, 18, 19] },
  { first: /^(?:60|508)/, lengths: [16] },
  { first: /^220[0-4]/, lengths: [16, 19] },
  { first: /^(?:5018|5020|5038|5893|6304|6759|676[1-3])/, lengths: [16, 17, 18, 19] },
];

type Number = { digits: string; end: number; groups: number[] };

/** The first digits that a card may have. */
export const CARD_TRIGGERS: readonly Trigger[] = [{ bytes: "23456", after: NO_WORD }, AFTER_ESCAPE];

/** A card number that begins with the digit at this place, or after the escape sequence at this place: in one piece or in groups, of a known issuer, and valid by Luhn. */
export function findCard(text: Text, trigger: number): Found | undefined {
  const start = startOfWord(text, trigger);
  // Nearly all numbers are shorter than the first group.
  if (!isDigit(at(text, start + 3)) || !isDigit(at(text, start + 2))) return undefined;
  if (!isDigit(at(text, start + 1)) || !begins(text, start)) return undefined;
  const number = readNumber(text, start);
  if (!number || !ends(text, number.end)) return undefined;
  const { digits, end, groups } = number;
  if (groups.length > 1 && !GROUPS.has(groups.join())) return undefined;
  const isKnown = ISSUERS.some(
    ({ first, lengths }) => first.test(digits) && lengths.includes(digits.length),
  );
  if (!isKnown || !isLuhn(digits)) return undefined;
  const quote = quoteOfNumber(text, start, end);
  return { from: start, to: end, ...(quote !== undefined && { quote }) };
}

/** Not inside of a word, a longer number, or a fraction. */
function begins(text: Text, start: number): boolean {
  const before = at(text, start - 1);
  if (before === DOT) return !isDigit(at(text, start - 2));
  if (before === MINUS) return !isDigit(at(text, start - 2));
  if (before === PERCENT) return false;
  return before === UNDERSCORE || !isInWord(text, start);
}

function ends(text: Text, end: number): boolean {
  const next = at(text, end);
  if (next === DOT || next === MINUS) return !isDigit(at(text, end + 1));
  return !isAlphanumeric(next) && next !== UNDERSCORE;
}

function readNumber(text: Text, start: number): Number | undefined {
  const separator = SEPARATORS.find((it) => hasAt(text, start + 4, it));
  // Most numbers are shorter than the shortest card.
  if (!separator && !isDigit(at(text, start + DIGITS.min - 1))) return undefined;
  const groups = [0];
  let digits = "";
  let i = start;
  for (;;) {
    const byte = at(text, i);
    if (isDigit(byte)) {
      digits += String.fromCharCode(byte ?? 0);
      groups[groups.length - 1]! += 1;
      i += 1;
      if (digits.length > DIGITS.max) return undefined;
    } else if (separator && hasAt(text, i, separator) && isDigit(at(text, i + separator.length))) {
      // After the digits of a card, another number may follow.
      if (GROUPS.has(groups.join())) break;
      groups.push(0);
      i += separator.length;
    } else break;
  }
  return digits.length < DIGITS.min ? undefined : { digits, end: i, groups };
}

export function isLuhn(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i += 1) {
    const digit = digits.charCodeAt(digits.length - 1 - i) - DIGIT_0;
    const doubled = i % 2 === 0 ? digit : digit * 2;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}
