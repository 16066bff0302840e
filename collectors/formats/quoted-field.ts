import type { TextColumn } from "../columns.ts";
import { BACKSLASH, DASH, QUOTE, SPACE, escapeInvalidUtf8 } from "./bytes.ts";

const GUESSES = 4096;

/** Puts bytes beyond ASCII: invalid UTF-8 is escaped. */
export function putEscaped(
  column: TextColumn,
  row: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  const escaped = escapeInvalidUtf8(bytes.subarray(start, end));
  column.put(row, escaped, 0, escaped.length);
}

/**
 * A quoted field whose values repeat, such as the user agent. A few bytes select a candidate among earlier values, which
 * is then compared: one pass instead of three (find the end, hash, compare).
 */
export class QuotedField {
  readonly #column: TextColumn;
  readonly #guesses = new Uint32Array(GUESSES);
  readonly #slotOf: GuessSlot;

  /** `isLast`: little follows the field, so that the length of the line distinguishes values. */
  constructor(column: TextColumn, isLast: boolean) {
    this.#column = column;
    this.#slotOf = isLast ? slotByEnd : slotByStart;
  }

  /** Puts the field that starts here; a dash means none. Returns the position after it and a space; -1: no field here. */
  put(row: number, bytes: Uint8Array, start: number, end: number): number {
    if (bytes[start] !== QUOTE) {
      const isBareDash = bytes[start] === DASH && (start + 1 === end || bytes[start + 1] === SPACE);
      return isBareDash ? start + 2 : -1;
    }
    const from = start + 1;
    if (bytes[from] === DASH && bytes[from + 1] === QUOTE && closes(bytes, from + 1, end))
      return from + 3;
    const slot = this.#slotOf(bytes, from, end);
    const guess = this.#guesses[slot]!;
    if (guess > 0 && guess <= this.#column.size) {
      const close = from + this.#column.lengthAt(guess, bytes, from);
      if (close > from && close < end && bytes[close] === QUOTE && closes(bytes, close, end)) {
        this.#column.ids[row] = guess;
        return close + 2;
      }
    }
    return this.#scan(row, bytes, from, end);
  }

  #scan(row: number, bytes: Uint8Array, from: number, end: number): number {
    let i = from;
    let seen = 0;
    for (; i < end; i += 1) {
      const byte = bytes[i]!;
      seen |= byte;
      if (byte === BACKSLASH) {
        i += 1;
        seen |= bytes[i]!;
      } else if (byte === QUOTE && closes(bytes, i, end)) break;
    }
    const close = Math.min(i, end);
    if (close === from) return close + 2;
    if (seen >= 0x80) putEscaped(this.#column, row, bytes, from, close);
    else {
      const id = this.#column.put(row, bytes, from, close);
      // Not after a backslash: the quote may then belong to the value.
      if (bytes[close - 1] !== BACKSLASH) this.#guesses[this.#slotOf(bytes, from, end)] = id;
    }
    return close + 2;
  }
}

function closes(bytes: Uint8Array, quote: number, end: number): boolean {
  return quote + 1 >= end || bytes[quote + 1] === SPACE;
}

type GuessSlot = (bytes: Uint8Array, from: number, end: number) => number;

/** Bytes that distinguish most URLs: those after the scheme and the first of the host. */
function slotByStart(bytes: Uint8Array, from: number, end: number): number {
  if (end - from < 64) return (bytes[from]! * 31 + end - from) & (GUESSES - 1);
  let key = bytes[from + 9]! * 3 + bytes[from + 14]!;
  for (let at = from + 22; at < from + 58; at += 4) key = key * 5 + bytes[at]! * 3 + bytes[at + 1]!;
  return (key ^ (key >>> 12)) & (GUESSES - 1);
}

/** Bytes that distinguish most user agents: their length, by the line's last quote, and those before it. */
function slotByEnd(bytes: Uint8Array, from: number, end: number): number {
  let last = end;
  for (let i = end - 1; i > from && i > end - 24; i -= 1) {
    if (bytes[i] === QUOTE) {
      last = i;
      break;
    }
  }
  let key = (last - from) * 7 + bytes[from + 13]!;
  for (let at = last - 4; at > from && at > last - 70; at -= 6) {
    key = (Math.imul(key, 31) + bytes[at]! * 3 + bytes[at + 1]!) | 0;
  }
  return (key ^ (key >>> 12) ^ (key >>> 20)) & (GUESSES - 1);
}
