import { levelOf } from "#pipeline/otlp/documents.ts";

import {
  EVENT_NAME,
  OBSERVED_TIME,
  RecordFields,
  SEVERITY_TEXT,
  SPAN_ID,
  TIME,
  TRACE_ID,
} from "./record-fields.ts";
import { REPLACEMENT } from "./wire.ts";

/** Longer ones are unusual. */
const TEXT_BYTES_MAX = 65_536;
const ID_BYTES_MAX = 32;
const NAME_BYTES_MAX = 256;
/** Names that are remembered. */
const NAMES_MAX = 256;
const NS_PER_MS = 1_000_000;
const MS_PER_SECOND = 1_000;
/** 2³² nanoseconds. */
const HIGH = { ms: 4_294, ns: 967_296 };
const MILLISECONDS = Array.from({ length: MS_PER_SECOND }, (_, ms) => String(ms).padStart(3, "0"));
const NO_ID = /^0*$/;

/** The members that documents have after their attributes, as JSON.stringify writes them. */
export class RecordText {
  readonly fields: RecordFields;
  readonly body: Buffer;
  readonly #names = new Map<string, string>();
  #second = { at: -1, text: "" };

  constructor(body: Buffer) {
    this.body = body;
    this.fields = new RecordFields(body);
  }

  /** Undefined if the record in [start, end) of the body may be invalid, or has no time, or another body than a text. */
  read(start: number, end: number): string | undefined {
    const { fields } = this;
    if (!fields.read(start, end) || !this.#isSmall()) return undefined;
    const ms = this.#timeMs();
    const names = this.#namesOf();
    const message = this.body.toString("utf8", fields.textStart, fields.textEnd);
    if (ms < 0 || names === undefined || message.includes(REPLACEMENT)) return undefined;
    const ids = `${this.#id("trace.id", TRACE_ID)}${this.#id("span.id", SPAN_ID)}`;
    return `"@timestamp":"${this.#iso(ms)}"${names}${ids},"message":${JSON.stringify(message)}`;
  }

  #isSmall(): boolean {
    const { fields } = this;
    return (
      fields.textEnd - fields.textStart <= TEXT_BYTES_MAX &&
      fields.bytesOf(SEVERITY_TEXT) <= NAME_BYTES_MAX &&
      fields.bytesOf(EVENT_NAME) <= NAME_BYTES_MAX &&
      fields.bytesOf(TRACE_ID) <= ID_BYTES_MAX &&
      fields.bytesOf(SPAN_ID) <= ID_BYTES_MAX
    );
  }

  /** The members for severity and event name, with a comma before each; undefined if they may be no valid UTF-8. */
  #namesOf(): string | undefined {
    const { severityNumber } = this.fields;
    const severityText = this.#text(SEVERITY_TEXT);
    const eventName = this.#text(EVENT_NAME);
    if (severityNumber === 0 && severityText === "" && eventName === "") return "";
    const key = `${severityNumber} ${severityText}\n${eventName}`;
    if (key.includes(REPLACEMENT)) return undefined;
    let names = this.#names.get(key);
    if (names === undefined) {
      if (this.#names.size >= NAMES_MAX) this.#names.clear();
      names = namesOf(severityNumber, { severityText, eventName });
      this.#names.set(key, names);
    }
    return names;
  }

  #text(field: number): string {
    const { fields } = this;
    if (fields.bytesOf(field) === 0) return "";
    return this.body.toString("utf8", fields.starts[field], fields.ends[field]);
  }

  /** The member for an id, with a comma before it. Zeros mean that there is none. */
  #id(name: string, field: number): string {
    const { fields } = this;
    if (fields.bytesOf(field) === 0) return "";
    const id = this.body.toString("hex", fields.starts[field], fields.ends[field]);
    return NO_ID.test(id) ? "" : `,"${name}":"${id}"`;
  }

  /** In ms since 1970; negative if there is no time. */
  #timeMs(): number {
    const ms = this.#msOf(TIME);
    return ms < 0 ? this.#msOf(OBSERVED_TIME) : ms;
  }

  #msOf(field: number): number {
    if (!this.fields.has(field)) return -1;
    const at = this.fields.starts[field] ?? 0;
    const high = this.body.readUInt32LE(at + 4);
    const low = this.body.readUInt32LE(at);
    if (high === 0 && low === 0) return -1;
    return high * HIGH.ms + Math.floor((high * HIGH.ns + low) / NS_PER_MS);
  }

  #iso(ms: number): string {
    const second = Math.floor(ms / MS_PER_SECOND);
    if (second !== this.#second.at) {
      const text = new Date(second * MS_PER_SECOND).toISOString().slice(0, -"000Z".length);
      this.#second = { at: second, text };
    }
    return `${this.#second.text}${MILLISECONDS[ms - second * MS_PER_SECOND]}Z`;
  }
}

function namesOf(
  severityNumber: number,
  { severityText, eventName }: { severityText: string; eventName: string },
): string {
  const level = levelOf(severityNumber, severityText);
  const members = {
    ...(level !== undefined && { "log.level": level }),
    ...(severityNumber > 0 && { "event.severity": severityNumber }),
    ...(eventName !== "" && { "event.action": eventName }),
  };
  const text = JSON.stringify(members).slice(1, -1);
  return text === "" ? "" : `,${text}`;
}
