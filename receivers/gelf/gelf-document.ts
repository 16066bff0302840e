import { parseJsonLine } from "#collectors/formats/json-line.ts";
import { severityOf } from "#collectors/formats/syslog-priority.ts";

/** Fields that have a name in ECS, as Docker's GELF driver and Graylog's libraries write them. */
const ECS_NAMES: ReadonlyMap<string, string> = new Map([
  ["host", "host.name"],
  ["_container_id", "container.id"],
  ["_container_name", "container.name"],
  ["_image_name", "container.image.name"],
  ["_logger", "log.logger"],
  ["_thread", "process.thread.name"],
  ["_trace_id", "trace.id"],
  ["_span_id", "span.id"],
  ["facility", "log.logger"],
  ["file", "log.origin.file.name"],
  ["line", "log.origin.file.line"],
]);
const ADDITIONAL = /^_([\w.-]{1,128})$/;
const FIELDS_MAX = 500;

export type GelfDocument = { document: Record<string, unknown> } | { reason: string };

/**
 * A GELF message as a flat ECS document, or why it is none. Its `message` is the full message if that continues the short
 * one, otherwise the short one. Additional fields (`_name`) without a name in ECS become labels.
 */
export function gelfDocument(message: Buffer): GelfDocument {
  const parsed = parseJsonLine(message, 0, message.length);
  if ("reason" in parsed) return parsed;
  const record = new Map(Object.entries(parsed.object));
  const document: Record<string, unknown> = Object.create(null);
  if (!putMessage(document, record)) {
    return { reason: "not a GELF message: it has no short_message" };
  }
  const timeMs = timeOf(record.get("timestamp"));
  if (timeMs !== undefined) document["@timestamp"] = new Date(timeMs).toISOString();
  putLevel(document, record.get("level"));
  return putFields(document, record)
    ? { document }
    : { reason: `a GELF message has more than ${FIELDS_MAX} fields` };
}

type Message = ReadonlyMap<string, unknown>;
type Target = Record<string, unknown>;

/** False if there is no message. */
function putMessage(document: Target, message: Message): boolean {
  const short = message.get("short_message");
  const full = message.get("full_message");
  if (typeof short !== "string") return false;
  document["message"] = short;
  if (typeof full !== "string") return true;
  document[full.startsWith(short) ? "message" : "labels.full_message"] = full;
  return true;
}

/** False if there are too many fields. */
function putFields(document: Target, message: Message): boolean {
  let fields = 0;
  for (const [name, value] of message) {
    const target = ECS_NAMES.get(name) ?? labelOf(name);
    if (target === undefined || value === null || value === "") continue;
    fields += 1;
    if (fields > FIELDS_MAX) return false;
    // Values of labels are keywords.
    document[target] = typeof value === "string" ? value : JSON.stringify(value);
  }
  return true;
}

function labelOf(name: string): string | undefined {
  const label = ADDITIONAL.exec(name)?.[1];
  return label === undefined ? undefined : `labels.${label}`;
}

function putLevel(document: Target, level: unknown): void {
  const severity = typeof level === "number" || typeof level === "string" ? Number(level) : -1;
  const named = severityOf({ facility: 0, severity });
  if (!named) return;
  document["log.level"] = named.level;
  document["log.syslog.severity.code"] = severity;
  document["log.syslog.severity.name"] = named.name;
}

/** Seconds since the epoch with a fraction, as a number or a text. The latest time is the last one of `Date`. */
function timeOf(value: unknown): number | undefined {
  const seconds = typeof value === "number" || typeof value === "string" ? Number(value) : 0;
  return seconds > 0 && seconds <= 8.64e12 ? Math.round(seconds * 1000) : undefined;
}
