import {
  ADDRESS,
  BODY_BYTES,
  DATASET,
  DATASET_NAMES,
  EARLIEST_MS,
  HEAD_BYTES,
  IDS,
  LATEST_MS,
  LINES,
  LINE_BYTES,
  LINE_LENGTHS,
  LINE_STARTS,
  METHOD,
  NEEDS_TAIL,
  OFFSETS,
  OFFSET_BASE,
  REFERRER,
  ROWS,
  ROWS_MAX,
  STATUSES,
  TAIL,
  TAILED_LINE,
  TAIL_END,
  TIMES,
  URL,
  USER,
  USER_AGENT,
  VERSION,
} from "../layout";
import { NONE, decimal, digitsEnd, find, isDigit, move, quoteIn, threeDigits } from "./bytes";
import { hashOf, intern } from "./dictionary";
import { timeOf } from "./time";

const LF: i32 = 0x0a;
const CR: i32 = 0x0d;
const SPACE: i32 = 0x20;
const QUOTE: i32 = 0x22;
const DASH: i32 = 0x2d;
const OPEN_BRACKET: i32 = 0x5b;
const CLOSE_BRACKET: i32 = 0x5d;
const PIPE: i32 = 0x7c;
/** ` - -`, and then ` [`. */
const NO_IDENT_NO_USER: u32 = 0x2d202d20;
const SPACE_BRACKET: u32 = 0x5b20;
const ADDRESS_BYTES_MAX: usize = 48;
const METHOD_BYTES_MAX: usize = 32;
const URL_BYTES_MAX: usize = 1024 * 1024;
const USER_BYTES_MAX: usize = 64;

/**
 * Reads the plain lines at the beginning of [from, to) into the columns, from the open row on, and moves their bytes to the end
 * of the lines that were read before. Stops after a line with a tail, before any other line, and where a column is full.
 * Returns the address of the line that follows.
 */
export function scan(from: usize, to: usize): usize {
  const times: usize = load<u32>(TIMES);
  const statuses: usize = load<u32>(STATUSES);
  const bodyBytes: usize = load<u32>(BODY_BYTES);
  const offsets: usize = load<u32>(OFFSETS);
  const datasets: usize = load<u32>(DATASET_NAMES + IDS);
  const dataset = load<u32>(DATASET);
  const lineStarts: usize = load<u32>(LINE_STARTS);
  const lineLengths: usize = load<u32>(LINE_LENGTHS);
  const lines: usize = load<u32>(LINES);
  const offsetBase = load<f64>(OFFSET_BASE);
  const earliestMs = load<f64>(EARLIEST_MS);
  const latestMs = load<f64>(LATEST_MS);
  const needsTail = load<u32>(NEEDS_TAIL) != 0;
  store<u32>(TAIL, 0);
  const rowsMax = load<u32>(ROWS_MAX);
  let row = load<u32>(ROWS);
  let used: usize = load<u32>(LINE_BYTES);
  let start = from;
  while (start < to && row < rowsMax) {
    const lineEnd = find(LF, start, to);
    if (lineEnd == NONE) break;
    if (lineEnd == start) {
      start += 1;
      continue;
    }
    const line = start;
    const end = load<u8>(lineEnd - 1) == CR ? lineEnd - 1 : lineEnd;

    // `address - user [`
    const addressEnd = addressEndOf(line, end);
    if (addressEnd == NONE) break;
    let userEnd = addressEnd + 4;
    if (load<u32>(addressEnd) != NO_IDENT_NO_USER || load<u16>(addressEnd, 4) != SPACE_BRACKET) {
      userEnd = userEndOf(addressEnd, end);
      if (userEnd == NONE) break;
    }

    // `14/Mar/2026:10:11:12 +0000] "`
    const at = userEnd + 2;
    if (at + 30 > end || load<u8>(at, 26) != CLOSE_BRACKET || load<u16>(at, 27) != 0x2220) break;
    const ms = timeOf(at);
    if (!(ms <= latestMs && ms >= earliestMs)) break;

    // `GET /path HTTP/1.1" `
    const request = at + 29;
    const requestEnd = plainQuote(request, end);
    if (requestEnd == NONE) break;
    const methodEnd = methodEndOf(request, requestEnd);
    if (methodEnd == NONE) break;
    const url = methodEnd + 1;
    const urlEnd = requestEnd - 9;
    if (urlEnd <= url || urlEnd - url > URL_BYTES_MAX || load<u8>(url) == SPACE) break;
    // ` HTTP/`
    if (
      load<u8>(urlEnd) != SPACE ||
      load<u32>(urlEnd, 1) != 0x50545448 ||
      load<u8>(urlEnd, 5) != 0x2f
    )
      break;
    const version = urlEnd + 6;
    if (
      load<u8>(version) == SPACE ||
      load<u8>(version, 1) == SPACE ||
      load<u8>(version, 2) == SPACE
    )
      break;

    // `200 1234 `
    let i = requestEnd + 2;
    if (i + 5 > end || load<u8>(i, 3) != SPACE) break;
    const status = threeDigits(i);
    if (status < 100 || status > 999) break;
    i += 4;
    let size: f64 = NaN;
    if (load<u8>(i) == DASH && (i + 1 == end || load<u8>(i, 1) == SPACE)) i += 1;
    else {
      const sizeEnd = digitsEnd(i, end);
      if (sizeEnd == NONE) break;
      size = decimal(i, sizeEnd);
      i = sizeEnd;
    }
    i += 1;

    // `"referrer" "user agent"`, and what follows them
    let referrer: usize = 0;
    let referrerLength: u32 = 0;
    let userAgent: usize = 0;
    let userAgentLength: u32 = 0;
    let tail: usize = NONE;
    if (i < end) {
      if (load<u8>(i) == QUOTE) {
        const close = quotedEnd(i, end);
        if (close == NONE) break;
        referrer = i + 1;
        referrerLength = lengthOf(referrer, close);
        i = close + 2;
      } else if (load<u8>(i) == DASH) break;
      else tail = i;
    }
    if (i < end && tail == NONE) {
      if (load<u8>(i) == QUOTE) {
        const close = quotedEnd(i, end);
        if (close == NONE) break;
        userAgent = i + 1;
        userAgentLength = lengthOf(userAgent, close);
        i = close + 2;
      } else if (load<u8>(i) == DASH) break;
      if (i < end) tail = i;
    }
    if (tail == NONE && needsTail) break;

    // Hashes first, so that the slots of several columns are read from memory at the same time.
    const addressLength = <u32>(addressEnd - line);
    const urlLength = <u32>(urlEnd - url);
    const addressHash = hashOf(line, addressLength);
    const urlHash = hashOf(url, urlLength);
    const referrerHash = referrerLength > 0 ? hashOf(referrer, referrerLength) : 0;
    const userAgentHash = userAgentLength > 0 ? hashOf(userAgent, userAgentLength) : 0;
    let isFull = put(ADDRESS, row, addressHash, line, addressLength);
    isFull |= put(URL, row, urlHash, url, urlLength);
    if (referrerLength > 0) isFull |= put(REFERRER, row, referrerHash, referrer, referrerLength);
    if (userAgentLength > 0)
      isFull |= put(USER_AGENT, row, userAgentHash, userAgent, userAgentLength);
    const methodLength = <u32>(methodEnd - request);
    isFull |= put(METHOD, row, hashOf(request, methodLength), request, methodLength);
    isFull |= put(VERSION, row, hashOf(version, 3), version, 3);
    const user = addressEnd + 3;
    const userLength = lengthOf(user, userEnd);
    if (userLength > 0) isFull |= put(USER, row, hashOf(user, userLength), user, userLength);
    if (isFull != 0) {
      clear(row);
      break;
    }
    store<f64>(times + ((<usize>row) << 3), ms);
    store<f64>(statuses + ((<usize>row) << 3), <f64>status);
    store<f64>(bodyBytes + ((<usize>row) << 3), size);
    store<f64>(offsets + ((<usize>row) << 3), <f64>line + offsetBase);
    store<u32>(datasets + ((<usize>row) << 2), dataset);
    const length = lineEnd - line;
    move(lines + used, line, length);
    store<u32>(lineStarts + ((<usize>row) << 2), <u32>used);
    store<u32>(lineLengths + ((<usize>row) << 2), <u32>length);
    used += length;
    row += 1;
    start = lineEnd + 1;
    if (tail != NONE) {
      store<u32>(TAILED_LINE, <u32>line);
      store<u32>(TAIL, <u32>tail);
      store<u32>(TAIL_END, <u32>end);
      break;
    }
  }
  store<u32>(ROWS, row);
  store<u32>(LINE_BYTES, <u32>used);
  return start;
}

function put(column: usize, row: u32, hash: u32, from: usize, length: u32): u32 {
  const id = intern(column, hash, from, length);
  store<u32>(<usize>load<u32>(column + IDS) + ((<usize>row) << 2), id);
  return <u32>(id == 0);
}

function clear(row: u32): void {
  for (let column = ADDRESS; column <= USER_AGENT; column += HEAD_BYTES) {
    store<u32>(<usize>load<u32>(column + IDS) + ((<usize>row) << 2), 0);
  }
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
