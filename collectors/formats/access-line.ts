import type { Batch } from "../batch.ts";
import type { FormatContext, LineScanner } from "../format.ts";
import { Extras, accessColumns, type AccessColumns } from "./access-columns.ts";
import { putPeer } from "./access-peer.ts";
import {
  BACKSLASH,
  CLOSE_BRACKET,
  DASH,
  OPEN_BRACKET,
  QUOTE,
  SPACE,
  excerpt,
  indexOf,
  textOf,
} from "./bytes.ts";
import { NO_FIELD, QuotedField, putEscaped, slotOfUrl, slotOfUserAgent } from "./quoted-field.ts";
import { ClfTimeReader } from "./time.ts";

/** Parses the text after the common fields of the combined log. */
type AccessTail = (line: AccessLine, start: number, end: number) => string | undefined;

export type AccessDialect = {
  /** Name in error messages, e.g. `nginx access`. */
  name: string;
  /** Prefix of vendor fields, e.g. `nginx.access`. */
  vendor: string;
  tail: AccessTail;
  /** Error for a line without a tail; absent if the tail is optional. */
  tailMissing?: string;
};

const URL_BYTES_MAX = 1024 * 1024;

/** Scans lines of the common, combined and vhost-combined logs into columns, in one pass over the bytes. */
export class AccessLine {
  readonly batch: Batch;
  readonly columns: AccessColumns;
  readonly context: FormatContext;
  readonly dialect: AccessDialect;
  readonly extras = new Extras();
  readonly times: ClfTimeReader;
  /** The current line: its bytes, its row, and the position of the scan. */
  bytes: Uint8Array = new Uint8Array();
  row = 0;
  at = 0;
  readonly #referrers: QuotedField;
  readonly #userAgents: QuotedField;

  constructor(batch: Batch, context: FormatContext, dialect: AccessDialect) {
    this.batch = batch;
    this.columns = accessColumns(batch);
    this.context = context;
    this.dialect = dialect;
    this.times = new ClfTimeReader(context);
    this.#referrers = new QuotedField(this.columns.referrer, slotOfUrl);
    this.#userAgents = new QuotedField(this.columns.userAgent, slotOfUserAgent);
  }

  scan(bytes: Uint8Array, start: number, end: number): string | undefined {
    this.bytes = bytes;
    this.row = this.batch.rows;
    this.extras.clear();
    const reason =
      this.#prefix(start, end) ?? this.#time(end) ?? this.#request(end) ?? this.#status(end);
    if (reason !== undefined) return reason;
    if (this.#quoted(this.#referrers, end)) this.#quoted(this.#userAgents, end);
    if (this.at < end) {
      const refused = this.dialect.tail(this, this.at, end);
      if (refused !== undefined) return refused;
    } else if (this.dialect.tailMissing !== undefined) return this.dialect.tailMissing;
    this.extras.write(this.columns.extras, this.row);
    return undefined;
  }

  /** `address ident user [`; leaves `at` after the bracket. */
  #prefix(start: number, end: number): string | undefined {
    const { bytes } = this;
    let i = start;
    let seen = 0;
    for (; i < end; i += 1) {
      const byte = bytes[i]!;
      seen |= byte;
      if (byte === SPACE) break;
    }
    const addressEnd = i;
    if (bytes[i + 1] !== DASH || bytes[i + 2] !== SPACE) return this.#uncommonPrefix(start, end);
    const userStart = i + 3;
    for (i = userStart; i < end; i += 1) {
      const byte = bytes[i]!;
      seen |= byte;
      if (byte === SPACE) break;
    }
    if (bytes[i + 1] !== OPEN_BRACKET || addressEnd === start)
      return this.#uncommonPrefix(start, end);
    const isAddress = addressEnd - start > 1 || bytes[start] !== DASH;
    if (isAddress && seen < 0x80) this.columns.address.put(this.row, bytes, start, addressEnd);
    else if (isAddress) putEscaped(this.columns.address, this.row, bytes, start, addressEnd);
    this.#putUser(userStart, i, seen);
    this.at = i + 2;
    return undefined;
  }

  #putUser(from: number, to: number, seen: number): void {
    const { bytes } = this;
    const isQuoted = to - from >= 2 && bytes[from] === QUOTE && bytes[to - 1] === QUOTE;
    const start = isQuoted ? from + 1 : from;
    const end = isQuoted ? to - 1 : to;
    if (end <= start || isDash(bytes, start, end)) return;
    if (seen < 0x80) this.columns.user.put(this.row, bytes, start, end);
    else putEscaped(this.columns.user, this.row, bytes, start, end);
  }

  /** A virtual host before the address, a list of addresses, an ident, or spaces in the user's name. */
  #uncommonPrefix(start: number, end: number): string | undefined {
    const { bytes } = this;
    const bracket = timeBracket(bytes, start, end);
    if (bracket < 0) return this.#notALine(start, end);
    const peerEnd = putPeer(this, start, bracket);
    if (peerEnd < 0) return `not an ${this.dialect.name} line: no client address before the time`;
    this.#putUser(peerEnd, bracket - 1, 0xff);
    this.at = bracket + 1;
    return undefined;
  }

  #notALine(start: number, end: number): string {
    const { name } = this.dialect;
    if (indexOf(this.bytes, QUOTE, start, end) < 0) return `not an ${name} line: no quoted request`;
    return `not an ${name} line: no time in brackets: ${excerpt(this.bytes, start, end)}`;
  }

  #time(end: number): string | undefined {
    const { bytes, at, context } = this;
    let close = at + 26;
    if (bytes[close] !== CLOSE_BRACKET || close >= end) {
      close = indexOf(bytes, CLOSE_BRACKET, at, Math.min(end, at + 64));
      if (close < 0) return `not an ${this.dialect.name} line: the time has no closing bracket`;
    }
    const ms = this.times.read(bytes, at, close);
    // Negated, so that NaN is rejected too.
    if (!(ms <= context.nowMs + 86_400_000 && ms >= 788_918_400_000)) {
      return this.times.reason(bytes, at, close, context.nowMs);
    }
    this.columns.time.values[this.row] = ms;
    this.at = close + 1;
    return undefined;
  }

  /** ` "METHOD url HTTP/version" `; leaves `at` after the space that follows the quote. */
  #request(end: number): string | undefined {
    const { bytes } = this;
    let i = this.at;
    if (bytes[i] === SPACE) i += 1;
    if (bytes[i] !== QUOTE || i >= end)
      return `not an ${this.dialect.name} line: no quoted request`;
    const start = i + 1;
    let seen = 0;
    for (i = start; ; i += 1) {
      if (i >= end) return `not an ${this.dialect.name} line: the request has no closing quote`;
      const byte = bytes[i]!;
      seen |= byte;
      if (byte === BACKSLASH) {
        i += 1;
        seen |= bytes[i]!;
      } else if (byte === QUOTE && closesRequest(bytes, i, end)) break;
    }
    this.putRequest(start, i, seen);
    this.at = i + 2;
    return undefined;
  }

  /**
   * The method, URL and version of a request line; other text is kept as logged. `seen`: the bitwise or of its
   * bytes, which shows whether there are non-ASCII bytes.
   */
  putRequest(start: number, end: number, seen: number): void {
    const { bytes, columns, row } = this;
    let space = start;
    while (space < end && isMethodByte(bytes[space]!)) space += 1;
    const hasMethod = space > start && bytes[space] === SPACE && space < end && space - start <= 32;
    if (!hasMethod) return this.#putUnparsedRequest(start, end);
    let urlEnd = end;
    let version = end - 1;
    const versionMin = Math.max(space, end - 10);
    while (version > versionMin && bytes[version] !== SPACE) version -= 1;
    if (isHttp(bytes, version + 1, end)) urlEnd = version;
    let urlStart = space + 1;
    while (urlStart < urlEnd && bytes[urlStart] === SPACE) urlStart += 1;
    if (urlStart >= urlEnd) return this.#putUnparsedRequest(start, end);
    if (urlEnd === end && !isTarget(bytes, urlStart)) return this.#putUnparsedRequest(start, end);
    columns.method.put(row, bytes, start, space);
    const kept = Math.min(urlEnd, urlStart + URL_BYTES_MAX);
    if (seen < 0x80) {
      columns.url.put(row, bytes, urlStart, kept);
      if (urlEnd < end) columns.version.put(row, bytes, version + 6, end);
    } else {
      putEscaped(columns.url, row, bytes, urlStart, kept);
      if (urlEnd < end) putEscaped(columns.version, row, bytes, version + 6, end);
    }
    return undefined;
  }

  #putUnparsedRequest(start: number, end: number): void {
    if (end - start > 1)
      this.extras.set(`${this.dialect.vendor}.request`, textOf(this.bytes, start, end));
  }

  /** `200 1234`, either of which may be a dash; leaves `at` at the end or after the space that follows. */
  #status(end: number): string | undefined {
    const { bytes, columns, row } = this;
    let i = this.at;
    let value = 0;
    const start = i;
    for (; i < end && bytes[i] !== SPACE; i += 1) value = value * 10 + digit(bytes[i]!);
    if (value >= 100 && value <= 999 && i === start + 3) columns.status.values[row] = value;
    // nginx logs 000 if it closed the connection without a response.
    else if (!isDash(bytes, start, i) && !(value === 0 && i === start + 3))
      return `status is not a number between 100 and 999: ${excerpt(bytes, start, i)}`;
    const sizeStart = i + 1;
    value = 0;
    for (i = sizeStart; i < end && bytes[i] !== SPACE; i += 1)
      value = value * 10 + digit(bytes[i]!);
    if (value <= Number.MAX_SAFE_INTEGER && i > sizeStart) columns.bodyBytes.values[row] = value;
    else if (!isDash(bytes, sizeStart, i))
      return `body bytes are not a number: ${excerpt(bytes, sizeStart, i)}`;
    this.at = i + 1;
    return undefined;
  }

  /** An optional quoted field; if there is one, leaves `at` after the space that follows and returns true. */
  #quoted(field: QuotedField, end: number): boolean {
    if (this.at >= end) return false;
    const at = field.put(this.row, this.bytes, this.at, end);
    if (at === NO_FIELD) return false;
    this.at = at;
    return true;
  }
}

/** Opens a scanner of this dialect. */
export function openAccessLine(
  batch: Batch,
  context: FormatContext,
  dialect: AccessDialect,
): LineScanner {
  const line = new AccessLine(batch, context, dialect);
  return (bytes, start, end) => line.scan(bytes, start, end);
}

/** The position of the bracket before the time, or -1: ` [14/Mar…`, ` [2026-…`. */
function timeBracket(bytes: Uint8Array, start: number, end: number): number {
  for (let i = start + 1; i + 12 < end; i += 1) {
    if (bytes[i] === QUOTE && bytes[i - 1] === CLOSE_BRACKET) return -1;
    if (bytes[i] !== OPEN_BRACKET || bytes[i - 1] !== SPACE) continue;
    const isClf = bytes[i + 3] === 0x2f && bytes[i + 7] === 0x2f;
    const isIso = bytes[i + 5] === DASH && bytes[i + 8] === DASH;
    if (isClf || isIso) return i;
  }
  // An invalid time is reported as such.
  const bracket = indexOf(bytes, OPEN_BRACKET, start + 1, end);
  return bracket > 0 && bytes[bracket - 1] === SPACE ? bracket : -1;
}

/** A quote inside the request ends it only if a status or a dash follows. */
function closesRequest(bytes: Uint8Array, at: number, end: number): boolean {
  if (bytes[at + 1] !== SPACE || at + 2 >= end) return false;
  const next = bytes[at + 2]!;
  return next === DASH || (next >= 0x30 && next <= 0x39);
}

function isMethodByte(byte: number): boolean {
  const lower = byte | 0x20;
  return (lower >= 0x61 && lower <= 0x7a) || byte === DASH || byte === 0x5f;
}

function isHttp(bytes: Uint8Array, at: number, end: number): boolean {
  const isWord = bytes[at] === 0x48 && bytes[at + 1] === 0x54 && bytes[at + 2] === 0x54;
  return isWord && bytes[at + 3] === 0x50 && bytes[at + 4] === 0x2f && at + 5 < end;
}

/** Whether text without a following version can be a URL: `/path`, `*`, or absolute. */
function isTarget(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0x2f || bytes[at] === 0x2a || (bytes[at]! | 0x20) === 0x68;
}

function digit(byte: number): number {
  return byte >= 0x30 && byte <= 0x39 ? byte - 0x30 : Number.NaN;
}

function isDash(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start === 1 && bytes[start] === DASH;
}
