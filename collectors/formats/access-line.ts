import type { Batch } from "../batch.ts";
import type { FormatContext, LineScanner, PlainTail } from "../format.ts";
import {
  closesRequest,
  digit,
  isDash,
  isHttp,
  isMethodByte,
  isTarget,
  timeBracket,
} from "./access-bytes.ts";
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
    const refused =
      this.at < end ? this.dialect.tail(this, this.at, end) : this.dialect.tailMissing;
    if (refused !== undefined) return refused;
    this.extras.write(this.columns.extras, this.row);
    return undefined;
  }

  /** Reads what follows the user agent of a line whose other fields are in the open row. */
  get plainTail(): PlainTail {
    return {
      isRequired: this.dialect.tailMissing !== undefined,
      read: (bytes, start, end) => {
        this.bytes = bytes;
        this.row = this.batch.rows;
        this.extras.clear();
        const refused = this.dialect.tail(this, start, end);
        if (refused === undefined) this.extras.write(this.columns.extras, this.row);
        return refused;
      },
    };
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
  const scan: LineScanner = (bytes, start, end) => line.scan(bytes, start, end);
  return Object.assign(scan, { plainTail: line.plainTail });
}
