import { COMBINED_LAYOUT, COMMON_LAYOUT } from "../layout";
import { NONE, decimal, digitsEnd, isDigit, quoteIn, threeDigits } from "./bytes";
import { hashOf } from "./dictionary";
import {
  ADDRESS_AT,
  ADDRESS_HASH,
  ADDRESS_LENGTH,
  END,
  HASH_OF_FIELD,
  LAYOUT,
  LENGTH_OF_FIELD,
  LINE,
  METHOD_AT,
  METHOD_LENGTH,
  MS,
  REFERRER_AT,
  REFERRER_HASH,
  REFERRER_LENGTH,
  SIZE_SENT,
  STATUS,
  TAIL_AT,
  URL_AT,
  URL_HASH,
  URL_LENGTH,
  USER_AGENT_AT,
  USER_AGENT_HASH,
  USER_AGENT_LENGTH,
  USER_AT,
  USER_LENGTH,
  VERSION_AT,
} from "./record";
import { timeOf } from "./time";

const SPACE: i32 = 0x20;
const QUOTE: i32 = 0x22;
const DASH: i32 = 0x2d;
const ZERO: i32 = 0x30;
const SIX: i32 = 0x36;
const COLON: i32 = 0x3a;
const SLASH: i32 = 0x2f;
const OPEN_BRACKET: i32 = 0x5b;
const CLOSE_BRACKET: i32 = 0x5d;
const PIPE: i32 = 0x7c;
/** ` - -`, and then ` [`. */
const NO_IDENT_NO_USER: u32 = 0x2d202d20;
const SPACE_BRACKET: u32 = 0x5b20;
/** ` "` */
const SPACE_QUOTE: u32 = 0x2220;
/** `HTTP` */
const HTTP: u32 = 0x50545448;
/** ` HTTP/1.1` */
const VERSION_BYTES: usize = 9;
/** `:10:11:12` of a time. */
const CLOCK: usize = 11;
const ADDRESS_BYTES_MAX: usize = 48;
const METHOD_BYTES_MAX: usize = 32;
const URL_BYTES_MAX: usize = 1024 * 1024;
const USER_BYTES_MAX: usize = 64;

/** Whether the line in [line, end) is plain: then its fields are in the record. */
export function parse(record: usize, line: usize, end: usize): bool {
  // `address - user [`
  const addressEnd = addressEndOf(line, end);
  if (addressEnd == NONE) return false;
  let userEnd = addressEnd + 4;
  if (load<u32>(addressEnd) != NO_IDENT_NO_USER || load<u16>(addressEnd, 4) != SPACE_BRACKET) {
    userEnd = userEndOf(addressEnd, end);
    if (userEnd == NONE) return false;
  }

  // `14/Mar/2026:10:11:12 +0000] "`
  const at = userEnd + 2;
  if (at + 30 > end || load<u8>(at, 26) != CLOSE_BRACKET || load<u16>(at, 27) != SPACE_QUOTE)
    return false;
  store<f64>(record + MS, timeOf(at));

  // `GET /path HTTP/1.1" 200 1234 `
  const request = at + 29;
  const requestEnd = plainQuote(request, end);
  if (requestEnd == NONE || !parseRequest(record, request, requestEnd)) return false;
  const next = parseResponse(record, requestEnd + 2, end);
  if (next == NONE || !parseQuoted(record, next, end)) return false;
  const isExact = isUsualClock(at + CLOCK) && isShortest(requestEnd + 6);
  store<u32>(record + LAYOUT, isExact ? layoutOf(record, next, end) : 0);

  const addressLength = <u32>(addressEnd - line);
  store<u32>(record + LINE, <u32>line);
  store<u32>(record + END, <u32>end);
  store<u32>(record + ADDRESS_AT, <u32>line);
  store<u32>(record + ADDRESS_LENGTH, addressLength);
  store<u32>(record + ADDRESS_HASH, hashOf(line, addressLength));
  store<u32>(record + USER_AT, <u32>(addressEnd + 3));
  store<u32>(record + USER_LENGTH, lengthOf(addressEnd + 3, userEnd));
  return true;
}

/** The number of the layout in which the values of the record give the line back, byte for byte; 0 if there is none. */
function layoutOf(record: usize, next: usize, end: usize): u32 {
  if (next == end + 1) return load<u32>(COMMON_LAYOUT);
  const userAgent = afterQuoted(record + REFERRER_AT, next, end);
  if (userAgent == NONE) return 0;
  const after = afterQuoted(record + USER_AGENT_AT, userAgent, end);
  return after == end + 1 ? load<u32>(COMBINED_LAYOUT) : 0;
}

/** The position after a field in quotes and a space; NONE if it has no quotes, or neither a value nor a dash. */
function afterQuoted(field: usize, start: usize, end: usize): usize {
  if (start >= end || load<u8>(start) != QUOTE) return NONE;
  const length = load<u32>(field + LENGTH_OF_FIELD);
  if (length > 0) return start + length + 3;
  return load<u8>(start, 1) == DASH ? start + 4 : NONE;
}

/** Whether a clock that was read has the usual separators, and no leap second. */
function isUsualClock(at: usize): bool {
  if (load<u8>(at) != COLON || load<u8>(at, 3) != COLON || load<u8>(at, 6) != COLON) return false;
  return load<u8>(at, 7) != SIX;
}

/** Whether a number of bytes, or a dash, has no leading zero. */
function isShortest(size: usize): bool {
  return load<u8>(size) != ZERO || !isDigit(load<u8>(size, 1));
}

/** `GET /path HTTP/1.1` */
function parseRequest(record: usize, start: usize, end: usize): bool {
  const methodEnd = methodEndOf(start, end);
  if (methodEnd == NONE) return false;
  const url = methodEnd + 1;
  const urlEnd = end - VERSION_BYTES;
  if (urlEnd <= url || urlEnd - url > URL_BYTES_MAX || load<u8>(url) == SPACE) return false;
  if (load<u8>(urlEnd) != SPACE || load<u32>(urlEnd, 1) != HTTP || load<u8>(urlEnd, 5) != SLASH)
    return false;
  const version = urlEnd + 6;
  for (let i: usize = 0; i < 3; i += 1) if (load<u8>(version + i) == SPACE) return false;
  const length = <u32>(urlEnd - url);
  store<u32>(record + METHOD_AT, <u32>start);
  store<u32>(record + METHOD_LENGTH, <u32>(methodEnd - start));
  store<u32>(record + URL_AT, <u32>url);
  store<u32>(record + URL_LENGTH, length);
  store<u32>(record + URL_HASH, hashOf(url, length));
  store<u32>(record + VERSION_AT, <u32>version);
  return true;
}

/** `200 1234`; the position after the space that follows, or NONE. */
function parseResponse(record: usize, start: usize, end: usize): usize {
  if (start + 5 > end || load<u8>(start, 3) != SPACE) return NONE;
  const status = threeDigits(start);
  if (status < 100 || status > 999) return NONE;
  store<f64>(record + STATUS, <f64>status);
  const size = start + 4;
  if (load<u8>(size) == DASH && (size + 1 == end || load<u8>(size, 1) == SPACE)) {
    store<f64>(record + SIZE_SENT, NaN);
    return size + 2;
  }
  const sizeEnd = digitsEnd(size, end);
  if (sizeEnd == NONE) return NONE;
  store<f64>(record + SIZE_SENT, decimal(size, sizeEnd));
  return sizeEnd + 1;
}

/** `"referrer" "user agent"` and what follows them, all of which may be missing. */
function parseQuoted(record: usize, start: usize, end: usize): bool {
  const next = parseField(record + REFERRER_AT, start, end);
  if (next == NONE) return false;
  // Without a quote, neither of the fields follows.
  const hasField = next > start;
  const rest = hasField ? parseField(record + USER_AGENT_AT, next, end) : next;
  if (rest == NONE) return false;
  if (!hasField) store<u32>(record + USER_AGENT_LENGTH, 0);
  store<u32>(record + TAIL_AT, rest < end ? <u32>rest : 0);
  return true;
}

/**
 * A quoted field, whose address, length and hash are written; the length is 0 if there is none. Returns the position after
 * the space that follows, or NONE if the line is not plain.
 */
function parseField(field: usize, start: usize, end: usize): usize {
  store<u32>(field + LENGTH_OF_FIELD, 0);
  if (start >= end) return start;
  const first = <i32>load<u8>(start);
  if (first != QUOTE) return first == DASH ? NONE : start;
  const close = quotedEnd(start, end);
  if (close == NONE) return NONE;
  const length = lengthOf(start + 1, close);
  store<u32>(field, <u32>(start + 1));
  store<u32>(field + LENGTH_OF_FIELD, length);
  if (length > 0) store<u32>(field + HASH_OF_FIELD, hashOf(start + 1, length));
  return close + 2;
}

/** The space after an address; NONE if the line may have an envelope, or if the address is not plain. */
function addressEndOf(start: usize, end: usize): usize {
  const first = <u32>load<u8>(start);
  if (isDigit(first)) {
    if (load<u8>(start, 4) == DASH && load<u8>(start, 7) == DASH) return NONE;
  } else if ((first | 0x20) - 0x61 > 25) return NONE;
  const spaces = i8x16.splat(<i8>SPACE);
  const pipes = i8x16.splat(<i8>PIPE);
  for (let at = start; at < start + ADDRESS_BYTES_MAX; at += 16) {
    const block = v128.load(at);
    const space = i8x16.bitmask(i8x16.eq(block, spaces));
    const refused = i8x16.bitmask(v128.or(i8x16.eq(block, pipes), block));
    if (space != 0) {
      const length = ctz(space);
      if ((refused & ((1 << length) - 1)) != 0) return NONE;
      const position = at + <usize>length;
      if (position + 6 > end || load<u8>(position, 1) != DASH || load<u8>(position, 2) != SPACE)
        return NONE;
      return position;
    }
    if (refused != 0) return NONE;
  }
  return NONE;
}

/** The space after a user name without quotes, before the bracket; NONE if there is none. */
function userEndOf(addressEnd: usize, end: usize): usize {
  const user = addressEnd + 3;
  const limit = min(end, user + USER_BYTES_MAX);
  let at = user;
  if (load<u8>(user) == QUOTE) return NONE;
  for (; at < limit; at += 1) {
    const byte = <i32>load<u8>(at);
    if (byte >= 0x80) return NONE;
    if (byte == SPACE) return at > user && load<u8>(at, 1) == OPEN_BRACKET ? at : NONE;
  }
  return NONE;
}

/** The quote that ends a request, if a status follows. */
function plainQuote(from: usize, end: usize): usize {
  const quote = quoteIn(from, end);
  if (quote == NONE || quote + 3 > end) return NONE;
  return load<u8>(quote, 1) == SPACE && isDigit(load<u8>(quote, 2)) ? quote : NONE;
}

/** The quote that ends the field whose first quote is at `from`. */
function quotedEnd(from: usize, end: usize): usize {
  const quote = quoteIn(from + 1, end);
  if (quote == NONE) return NONE;
  return quote + 1 == end || load<u8>(quote, 1) == SPACE ? quote : NONE;
}

/** The number of bytes; 0 for a dash. */
function lengthOf(from: usize, to: usize): u32 {
  const length = <u32>(to - from);
  return length == 1 && load<u8>(from) == DASH ? 0 : length;
}

function methodEndOf(from: usize, end: usize): usize {
  const limit = min(end, from + METHOD_BYTES_MAX + 1);
  let at = from;
  for (; at < limit; at += 1) {
    const byte = <u32>load<u8>(at);
    if (byte == SPACE) break;
    if ((byte | 0x20) - 0x61 > 25 && byte != DASH && byte != 0x5f) return NONE;
  }
  return at > from && at < limit ? at : NONE;
}
