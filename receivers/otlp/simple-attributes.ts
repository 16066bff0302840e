import type { KeyValue } from "#pipeline/otlp/messages.ts";

import { ATTRIBUTES } from "./record-fields.ts";
import { FIXED_64, NUMBER, REPLACEMENT, tagOf, TEXT, WireReader } from "./wire.ts";

const ATTRIBUTE = tagOf(ATTRIBUTES, TEXT);
const KEY = tagOf(1, TEXT);
const VALUE = tagOf(2, TEXT);
const STRING = tagOf(1, TEXT);
const BOOL = tagOf(2, NUMBER);
const INT = tagOf(3, NUMBER);
const DOUBLE = tagOf(4, FIXED_64);
const DOUBLE_BYTES = 8;

type Value = NonNullable<KeyValue["value"]>;

/**
 * The attributes in [start, end) of the body, with their tags, if each has a key, then a value that is a text, a boolean, a number or a small
 * integer; undefined if not: then they may be invalid.
 */
export function simpleAttributes(
  body: Buffer,
  { start, end }: { start: number; end: number },
): KeyValue[] | undefined {
  const wire = new WireReader(body);
  const found: KeyValue[] = [];
  for (wire.at = start; wire.at < end;) {
    const attributeEnd = valueEnd(wire, ATTRIBUTE, end);
    const keyEnd = valueEnd(wire, KEY, attributeEnd);
    if (keyEnd < 0) return undefined;
    const key = textOf(body, wire.at, keyEnd);
    wire.at = keyEnd;
    if (key === undefined || valueEnd(wire, VALUE, attributeEnd) !== attributeEnd) return undefined;
    const value = readValue(body, wire, attributeEnd);
    if (value === undefined || wire.at !== attributeEnd) return undefined;
    found.push({ key, value });
  }
  return found;
}

/** Where the value of the field ends that has to be here; -1 if it is another one. */
function valueEnd(wire: WireReader, tag: number, limit: number): number {
  if (wire.at >= limit || wire.bytes[wire.at] !== tag) return -1;
  wire.at += 1;
  return wire.valueEnd(limit);
}

/** Undefined if the text may be no valid UTF-8. */
function textOf(body: Buffer, start: number, end: number): string | undefined {
  const text = body.toString("utf8", start, end);
  return text.includes(REPLACEMENT) ? undefined : text;
}

/** The value here, and moves behind it. */
function readValue(body: Buffer, wire: WireReader, end: number): Value | undefined {
  if (wire.at >= end) return undefined;
  const tag = body[wire.at];
  wire.at += 1;
  if (tag === STRING) {
    if (wire.valueEnd(end) !== end) return undefined;
    const stringValue = textOf(body, wire.at, end);
    wire.at = end;
    return stringValue === undefined ? undefined : { stringValue };
  }
  if (tag === DOUBLE) return readDouble(body, wire, end);
  if (tag !== INT && tag !== BOOL) return undefined;
  const number = wire.number(end);
  if (number < 0) return undefined;
  return tag === INT ? { intValue: number } : { boolValue: number !== 0 };
}

function readDouble(body: Buffer, wire: WireReader, end: number): Value | undefined {
  if (wire.at + DOUBLE_BYTES !== end) return undefined;
  const doubleValue = body.readDoubleLE(wire.at);
  wire.at = end;
  return Number.isFinite(doubleValue) ? { doubleValue } : undefined;
}
