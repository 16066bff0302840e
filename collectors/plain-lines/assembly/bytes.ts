const QUOTE: i32 = 0x22;
const SPACE: i32 = 0x20;
const BACKSLASH: i32 = 0x5c;
const DIGITS_MAX: usize = 15;
/** Returned instead of an address. */
export const NONE: usize = 0;

/** The first such byte in [from, to); NONE if there is none. */
export function find(byte: i32, from: usize, to: usize): usize {
  const wanted = i8x16.splat(<i8>byte);
  for (let at = from; at < to; at += 16) {
    const found = i8x16.bitmask(i8x16.eq(v128.load(at), wanted));
    if (found != 0) {
      const position = at + <usize>ctz(found);
      return position < to ? position : NONE;
    }
  }
  return NONE;
}

/** The number of two digits; a large number if they are none. */
export function twoDigits(at: usize): u32 {
  const tens = <u32>load<u8>(at) - 0x30;
  const ones = <u32>load<u8>(at, 1) - 0x30;
  return tens <= 9 && ones <= 9 ? tens * 10 + ones : 100;
}

export function threeDigits(at: usize): u32 {
  const last = <u32>load<u8>(at, 2) - 0x30;
  return last <= 9 ? twoDigits(at) * 10 + last : 1000;
}

export function isDigit(byte: u32): bool {
  return byte - 0x30 <= 9;
}

/** The first quote, backslash or non-ASCII byte; NONE if that is no quote, or if it is not in [from, end). */
export function quoteIn(from: usize, end: usize): usize {
  const quotes = i8x16.splat(<i8>QUOTE);
  const backslashes = i8x16.splat(<i8>BACKSLASH);
  for (let at = from; at < end; at += 16) {
    const block = v128.load(at);
    const isQuote = i8x16.eq(block, quotes);
    // Of a non-ASCII byte the highest bit is set, as it is in all bytes that are equal.
    const found = i8x16.bitmask(v128.or(v128.or(isQuote, i8x16.eq(block, backslashes)), block));
    if (found != 0) {
      const position = at + <usize>ctz(found);
      return position < end && load<u8>(position) == QUOTE ? position : NONE;
    }
  }
  return NONE;
}

export function digitsEnd(from: usize, end: usize): usize {
  const limit = min(end, from + DIGITS_MAX + 1);
  let at = from;
  while (at < limit && isDigit(load<u8>(at))) at += 1;
  const isEnd = at > from && at - from <= DIGITS_MAX && (at == end || load<u8>(at) == SPACE);
  return isEnd ? at : NONE;
}

export function decimal(from: usize, to: usize): f64 {
  let value: u64 = 0;
  for (let at = from; at < to; at += 1) value = value * 10 + (load<u8>(at) - 0x30);
  return <f64>value;
}

/** Moves bytes towards lower addresses, and changes none beyond their new end. */
export function move(to: usize, from: usize, length: usize): void {
  if (length < 16) {
    for (let i: usize = 0; i < length; i += 1) store<u8>(to + i, load<u8>(from + i));
    return;
  }
  const last = length - 16;
  const lastBlock = v128.load(from + last);
  for (let i: usize = 0; i < last; i += 16) v128.store(to + i, v128.load(from + i));
  v128.store(to + last, lastBlock);
}
