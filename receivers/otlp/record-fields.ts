import { FIXED_32, FIXED_64, NUMBER, tagOf, TEXT, WireReader } from "./wire.ts";

/** The numbers of the fields of a LogRecord. */
export const TIME = 1;
const SEVERITY_NUMBER = 2;
export const SEVERITY_TEXT = 3;
const BODY = 5;
export const ATTRIBUTES = 6;
const DROPPED_ATTRIBUTES = 7;
const FLAGS = 8;
export const TRACE_ID = 9;
export const SPAN_ID = 10;
export const OBSERVED_TIME = 11;
export const EVENT_NAME = 12;

const TAGS = new Set([
  ...[TIME, OBSERVED_TIME].map((field) => tagOf(field, FIXED_64)),
  ...[SEVERITY_NUMBER, DROPPED_ATTRIBUTES].map((field) => tagOf(field, NUMBER)),
  tagOf(FLAGS, FIXED_32),
  ...[SEVERITY_TEXT, BODY, ATTRIBUTES, TRACE_ID, SPAN_ID, EVENT_NAME].map((field) =>
    tagOf(field, TEXT),
  ),
]);
const IS_USUAL = Uint8Array.from({ length: 256 }, (_, tag) => (TAGS.has(tag) ? 1 : 0));
const FIELDS = 16;
const STRING_VALUE = tagOf(1, TEXT);

/**
 * Where the fields of a LogRecord are, without reading their values. Attributes are the bytes of all of them, which follow each other,
 * with their tags.
 */
export class RecordFields {
  /** The value of each field. */
  readonly starts = new Int32Array(FIELDS);
  readonly ends = new Int32Array(FIELDS);
  severityNumber = 0;
  /** The text of the body. */
  textStart = 0;
  textEnd = 0;
  readonly #wire: WireReader;
  #seen = 0;

  constructor(bytes: Uint8Array) {
    this.#wire = new WireReader(bytes);
  }

  has(field: number): boolean {
    return ((this.#seen >> field) & 1) === 1;
  }

  /** The number of bytes of a field. */
  bytesOf(field: number): number {
    return this.has(field) ? (this.ends[field] ?? 0) - (this.starts[field] ?? 0) : 0;
  }

  /** Finds the fields of the record in [start, end). False if it is unusual: it may be invalid, or have another body than a text. */
  read(start: number, end: number): boolean {
    const wire = this.#wire;
    this.#seen = 0;
    this.severityNumber = 0;
    for (let at = start; at < end;) {
      const tag = wire.bytes[at] ?? 0;
      if (IS_USUAL[tag] === 0) return false;
      wire.at = at + 1;
      const valueEnd = this.#valueEnd(tag, end);
      if (valueEnd < 0 || valueEnd > end || !this.#add(tag >> 3, at, valueEnd)) return false;
      at = valueEnd;
    }
    return this.#readText();
  }

  #valueEnd(tag: number, limit: number): number {
    const wire = this.#wire;
    const type = tag & 7;
    if (type === TEXT) return wire.valueEnd(limit);
    if (type === FIXED_64) return wire.at + 8;
    if (type === FIXED_32) return wire.at + 4;
    const number = wire.number(limit);
    if (tag >> 3 === SEVERITY_NUMBER) this.severityNumber = number;
    return number < 0 ? -1 : wire.at;
  }

  /** `at`: where the tag is. False if the field was there before. */
  #add(field: number, at: number, valueEnd: number): boolean {
    if (!this.has(field)) {
      this.#seen |= 1 << field;
      this.starts[field] = field === ATTRIBUTES ? at : this.#wire.at;
    } else if (field !== ATTRIBUTES || this.ends[field] !== at) return false;
    this.ends[field] = valueEnd;
    return true;
  }

  #readText(): boolean {
    const wire = this.#wire;
    const end = this.ends[BODY] ?? 0;
    wire.at = this.starts[BODY] ?? 0;
    if (!this.has(BODY) || wire.at === end || wire.bytes[wire.at] !== STRING_VALUE) return false;
    wire.at += 1;
    this.textEnd = wire.valueEnd(end);
    this.textStart = wire.at;
    return this.textEnd === end;
  }
}
