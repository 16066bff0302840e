import { copy } from "./blocks";
import { TIME_BYTES_MAX, VALUES } from "./own";

const TAB: u8 = 0x09;
const QUOTE: u8 = 0x22;
const ZERO: u8 = 0x30;
const BACKSLASH: u8 = 0x5c;
const DIGITS_MAX: usize = 15;
/** Returned instead of an address. */
const NONE: usize = 0;

/** The number of values of the document that is read. */
let values: usize = 0;

/** To be called before a document is read. */
export function forgetValues(): void {
  values = 0;
}

/** `from`: after the opening quote. The value, with its quotes, has no escapes. Returns the address after it. */
export function readTime(from: usize, to: usize): usize {
  for (let at = from; at < to && at - from < TIME_BYTES_MAX; at += 1) {
    const byte = load<u8>(at);
    if (byte == QUOTE) return addValue(from - 1, at + 1);
    if (byte < 0x20 || byte > 0x7e || byte == BACKSLASH) return NONE;
  }
  return NONE;
}

export function readDigits(from: usize): usize {
  let at = from;
  while (at - from <= DIGITS_MAX && <u8>(load<u8>(at) - ZERO) <= 9) at += 1;
  const length = at - from;
  if (length == 0 || length > DIGITS_MAX) return NONE;
  if (length > 1 && load<u8>(from) == ZERO) return NONE;
  return addValue(from, at);
}

function addValue(from: usize, to: usize): usize {
  const at: usize = VALUES + (values << 3);
  store<u32>(at, <u32>from);
  store<u32>(at + 4, <u32>(to - from));
  values += 1;
  return to;
}

/** Writes the values, each after a TAB, and returns the address after them. */
export function writeValues(to: usize): usize {
  let out = to;
  for (let i: usize = 0; i < values; i += 1) {
    const at: usize = VALUES + (i << 3);
    const length: usize = load<u32>(at + 4);
    store<u8>(out, TAB);
    copy(out + 1, load<u32>(at), length);
    out += 1 + length;
  }
  return out;
}
