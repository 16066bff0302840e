import type { TextColumn } from "../text-column.ts";
import { BACKSLASH, DASH, QUOTE, SPACE, escapeInvalidUtf8 } from "./bytes.ts";

/** Returned instead of a position if no quoted field begins there. */
export const NO_FIELD = -1;

const CANDIDATE_SLOTS = 4096;
const SLOT_MASK = CANDIDATE_SLOTS - 1;

/** Writes non-ASCII bytes; invalid UTF-8 is escaped. */
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
 * A quoted field whose values repeat, such as the user agent. A few bytes select a slot with a candidate among earlier
 * values: one pass to compare it replaces three (find the end, hash, compare). A wrong slot costs time, never
 * correctness, because the candidate is compared. So a slot may also be computed from bytes beyond the field, or beyond
 * the line.
 */
export class QuotedField {
  readonly #column: TextColumn;
  /** By slot, the number of a value in the column; 0 for none. */
  readonly #candidates = new Uint32Array(CANDIDATE_SLOTS);
  readonly #slotOf: SlotOf;

  constructor(column: TextColumn, slotOf: SlotOf) {
    this.#column = column;
    this.#slotOf = slotOf;
  }

  /**
   * Puts the field that begins at `start`; a dash, quoted or not, means no value. Returns the position after the
   * field and the space that follows it, or NO_FIELD.
   */
  put(row: number, bytes: Uint8Array, start: number, end: number): number {
    if (bytes[start] !== QUOTE) {
      const isBareDash = bytes[start] === DASH && (start + 1 === end || bytes[start + 1] === SPACE);
      return isBareDash ? start + 2 : NO_FIELD;
    }
    const from = start + 1;
    if (bytes[from] === DASH && bytes[from + 1] === QUOTE && closes(bytes, from + 1, end))
      return from + 3;
    const slot = this.#slotOf(bytes, from, end);
    const candidate = this.#candidates[slot]!;
    // A candidate may be from before the column was reset.
    if (candidate > 0 && candidate <= this.#column.size) {
      const close = from + this.#column.lengthAt(candidate, bytes, from);
      if (close > from && close < end && bytes[close] === QUOTE && closes(bytes, close, end)) {
        this.#column.ids[row] = candidate;
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
      if (bytes[close - 1] !== BACKSLASH) this.#candidates[this.#slotOf(bytes, from, end)] = id;
    }
    return close + 2;
  }
}

function closes(bytes: Uint8Array, quote: number, end: number): boolean {
  return quote + 1 >= end || bytes[quote + 1] === SPACE;
}

/** The slot of the field that begins at `from` in a line that ends at `end`. */
type SlotOf = (bytes: Uint8Array, from: number, end: number) => number;

/** URLs differ mostly in the first bytes of the host, "https://" being 8 bytes long, and in those after it. */
const HOST_BYTE = 9;
const LATER_HOST_BYTE = 14;
const URL_SAMPLE_FROM = 22;
const URL_SAMPLE_TO = 58;
const URL_SAMPLE_STEP = 4;
/** In a shorter rest of a line there is little but the field, so that its length distinguishes values. */
const SHORT_REST = 64;

/** For URLs, such as the referrer. */
export const slotOfUrl: SlotOf = (bytes, from, end) => {
  const rest = end - from;
  if (rest < SHORT_REST) return (bytes[from]! * 31 + rest) & SLOT_MASK;
  let key = bytes[from + HOST_BYTE]! * 3 + bytes[from + LATER_HOST_BYTE]!;
  for (let at = from + URL_SAMPLE_FROM; at < from + URL_SAMPLE_TO; at += URL_SAMPLE_STEP)
    key = key * 5 + bytes[at]! * 3 + bytes[at + 1]!;
  return (key ^ (key >>> 12)) & SLOT_MASK;
};

/**
 * User agents differ mostly in the platform, which follows "Mozilla/5.0 (", in the versions at the end, and in length.
 */
const PLATFORM_BYTE = 13;
/** The closing quote is searched for this far from the end of the line, as little follows the field. */
const CLOSE_DISTANCE_MAX = 24;
const VERSION_DISTANCE = 4;
const VERSION_DISTANCE_MAX = 70;
const VERSION_STEP = 6;

/** For user agents, which little follows in a line. */
export const slotOfUserAgent: SlotOf = (bytes, from, end) => {
  let close = end;
  for (let i = end - 1; i > from && i > end - CLOSE_DISTANCE_MAX; i -= 1) {
    if (bytes[i] === QUOTE) {
      close = i;
      break;
    }
  }
  let key = (close - from) * 7 + bytes[from + PLATFORM_BYTE]!;
  const versionsFrom = Math.max(from, close - VERSION_DISTANCE_MAX);
  for (let at = close - VERSION_DISTANCE; at > versionsFrom; at -= VERSION_STEP)
    key = (Math.imul(key, 31) + bytes[at]! * 3 + bytes[at + 1]!) | 0;
  return (key ^ (key >>> 12) ^ (key >>> 20)) & SLOT_MASK;
};
