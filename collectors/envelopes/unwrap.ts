import type { Format, FormatContext } from "../format.ts";
import type { CommonFields } from "../records.ts";
import type { Zone } from "../zone.ts";
import { compose, kubectl } from "./console.ts";
import { bareTime, cri, dockerJson } from "./container.ts";
import type { Envelope, FindEnvelope, Line, Origin, ReadableLine } from "./envelope.ts";
import { logEvent } from "./log-event.ts";
import { syslog } from "./syslog.ts";

/** Envelopes around envelopes, such as a syslog line in the output of a container. */
const LEVELS_MAX = 4;
const ESC = 0x1b;
const DASH = 0x2d;
const SPACE = 0x20;
const PIPE = 0x7c;
const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;
const LESS_THAN = 0x3c;
const DOCKER = Buffer.from('{"log":');
const LOG_EVENT_ID = Buffer.from('{"id":');
const KUBECTL = Buffer.from("[pod/");

/** A line without its envelopes. */
export type Unwrapped = Origin & {
  body: Line;
  /** The line from its syslog header on, for formats that read that; the body if there is none. */
  withHeader: Line;
  /** When the line was written or received, epoch ms; NaN if it is unknown. */
  timeMs: number;
  isPartial: boolean;
  isContainer: boolean;
  /** Zone of the line's own times that have none. */
  zone?: Zone | undefined;
  fallback?: Format | undefined;
};

/** Removes all envelopes of the line; undefined if it has none. */
export function unwrap(line: Line, context: FormatContext): Unwrapped | undefined {
  let unwrapped: Unwrapped | undefined;
  let rest = line;
  for (let level = 0; level < LEVELS_MAX; level += 1) {
    const envelope = findEnvelope(rest, context);
    if (!envelope) break;
    unwrapped = added(unwrapped, envelope, rest);
    // The rest of a partial line is in the next envelope.
    if (envelope.isPartial === true) break;
    rest = envelope.body;
  }
  return unwrapped;
}

/** The fields of the inner envelope are those of the program; only the outer one may have the container. */
function added(outer: Unwrapped | undefined, inner: Envelope, line: Line): Unwrapped {
  const { body, timeMs, isPartial = false, isContainer = false, isSyslog = false } = inner;
  const withHeader = isSyslog ? line : body;
  const own = { ...inner, body, withHeader, timeMs, isPartial, isContainer };
  return outer ? combined(outer, own) : own;
}

function combined(outer: Unwrapped, inner: Unwrapped): Unwrapped {
  return {
    ...inner,
    stream: outer.stream ?? inner.stream,
    container: outer.container ?? inner.container,
    host: inner.host ?? outer.host,
    zone: inner.zone ?? outer.zone,
    process: inner.process ?? outer.process,
    pid: inner.pid ?? outer.pid,
    priority: inner.priority ?? outer.priority,
    fields: fieldsOf(outer, inner),
    fallback: inner.fallback ?? outer.fallback,
    withHeader: outer.withHeader === outer.body ? inner.withHeader : outer.withHeader,
    timeMs: Number.isNaN(inner.timeMs) ? outer.timeMs : inner.timeMs,
    isContainer: outer.isContainer || inner.isContainer,
  };
}

function fieldsOf(outer: Unwrapped, inner: Unwrapped): Unwrapped["fields"] {
  if (!outer.fields) return inner.fields;
  return inner.fields ? { ...outer.fields, ...inner.fields } : outer.fields;
}

function findEnvelope(line: Line, context: FormatContext): Envelope | undefined {
  for (const find of candidates(line.bytes, line.start, line.end)) {
    const envelope = find(line, context);
    if (envelope) return envelope;
  }
  return undefined;
}

const NONE: readonly FindEnvelope[] = [];
const ISO_TIME = [cri, syslog, bareTime];
const DOCKER_JSON = [dockerJson];
const LOG_EVENT = [logEvent];
const SYSLOG = [syslog];
const COMPOSE = [compose];
const KUBECTL_PREFIX = [kubectl];

/** The kinds of envelopes that the first bytes allow: none for most lines, which costs some comparisons. */
function candidates(bytes: Uint8Array, start: number, end: number): readonly FindEnvelope[] {
  const first = bytes[start] ?? 0;
  if (isDigit(first)) {
    return bytes[start + 4] === DASH && bytes[start + 7] === DASH ? ISO_TIME : NONE;
  }
  return isLetter(first) ? afterLetter(bytes, start, end) : afterSign(first, bytes, start);
}

function afterSign(first: number, bytes: Uint8Array, start: number): readonly FindEnvelope[] {
  if (first === OPEN_BRACE) {
    if (beginsWith(bytes, start, LOG_EVENT_ID)) return LOG_EVENT;
    return beginsWith(bytes, start, DOCKER) ? DOCKER_JSON : NONE;
  }
  if (first === OPEN_BRACKET) return beginsWith(bytes, start, KUBECTL) ? KUBECTL_PREFIX : NONE;
  if (first === LESS_THAN) return SYSLOG;
  return first === ESC ? COMPOSE : NONE;
}

function afterLetter(bytes: Uint8Array, start: number, end: number): readonly FindEnvelope[] {
  const isMonth = bytes[start + 3] === SPACE && bytes[start + 6] === SPACE;
  if (isMonth) return SYSLOG;
  return hasPipe(bytes, start, end) ? COMPOSE : NONE;
}

/** Whether the line can have an envelope. */
export const mayHaveEnvelope = (bytes: Uint8Array, start: number, end: number): boolean =>
  candidates(bytes, start, end) !== NONE;

/** A pipe after a name and spaces. */
function hasPipe(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end && isNameByte(bytes[at] ?? 0)) at += 1;
  while (at < end && bytes[at] === SPACE) at += 1;
  return bytes[at] === PIPE && at < end;
}

function beginsWith(bytes: Uint8Array, start: number, text: Uint8Array): boolean {
  for (let i = 0; i < text.length; i += 1) if (bytes[start + i] !== text[i]) return false;
  return true;
}

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;
const isLetter = (byte: number): boolean => (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a;
const isNameByte = (byte: number): boolean =>
  isLetter(byte) || isDigit(byte) || byte === DASH || byte === 0x2e || byte === 0x5f;

/** The parts of a line that was split into several envelopes, joined. */
export function joined(body: Uint8Array, first: Unwrapped, context: FormatContext): Unwrapped {
  const line = { bytes: body, start: 0, end: body.length };
  const inner = unwrap(line, context);
  const outer = { ...first, body: line, withHeader: line, isPartial: false };
  return inner
    ? { ...inner, stream: first.stream, container: first.container, isContainer: true }
    : outer;
}

/** Whether its program wrote an empty line, which is skipped like one without envelopes. A syslog header alone is a message. */
export const isEmpty = ({ body, withHeader }: Unwrapped): boolean =>
  body.start >= body.end && withHeader.start >= withHeader.end;

/** What formats read of a line. */
export const readable = ({ body, withHeader, zone, fallback }: Unwrapped): ReadableLine => ({
  ...body,
  withHeader,
  fallback,
  ...(zone && { zone }),
});

/** Lines of the same origin follow each other, whatever lies between them. */
export const originKey = ({ stream = "", container = "", process = "", pid = 0 }: Origin): string =>
  `${stream} ${container} ${process} ${pid}`;

/** The key of lines without an origin. */
export const NO_ORIGIN = "";

/**
 * The key of the lines that may continue an event: those of the same origin; if its format reads headers, those without a
 * header, and so without an origin.
 */
export function keyOfNext(
  key: string,
  { origin, readsHeader }: { origin: Unwrapped | undefined; readsHeader: boolean | undefined },
): string {
  return readsHeader === true && origin?.isContainer !== true ? NO_ORIGIN : key;
}

/** With the fields that the records of an object have in common. */
export const withCommon = (origin: Unwrapped, common: CommonFields | undefined): Unwrapped =>
  common ? { ...origin, fields: { ...common, ...origin.fields } } : origin;
