import type { Line } from "#collectors/envelopes/envelope.ts";
import { unwrap } from "#collectors/envelopes/unwrap.ts";
import type { FormatContext } from "#collectors/format.ts";
import { facilityName, severityOf } from "#collectors/formats/syslog-priority.ts";

/**
 * A syslog message of several lines as a flat ECS document, whose `message` is what its program wrote. Messages of one line
 * need none, as they are read with their header.
 */
export function syslogDocument(text: Buffer, context: FormatContext): Record<string, unknown> {
  const origin = unwrap({ bytes: text, start: 0, end: text.length }, context);
  const document: Record<string, unknown> = Object.create(null);
  document["event.original"] = text.toString();
  document["message"] = origin ? textOf(origin.body) : text.toString();
  if (!origin) return document;
  const { host, process, pid, priority, timeMs, fields } = origin;
  Object.assign(document, fields);
  if (!Number.isNaN(timeMs)) document["@timestamp"] = new Date(timeMs).toISOString();
  put(document, "host.name", host);
  put(document, "host.hostname", host);
  put(document, "process.name", process);
  put(document, "process.pid", pid);
  if (!priority) return document;
  const { name, level } = severityOf(priority) ?? {};
  put(document, "log.level", level);
  put(document, "log.syslog.severity.code", priority.severity);
  put(document, "log.syslog.severity.name", name);
  put(document, "log.syslog.facility.code", priority.facility);
  put(document, "log.syslog.facility.name", facilityName(priority));
  return document;
}

const textOf = ({ bytes, start, end }: Line): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString();

function put(document: Record<string, unknown>, field: string, value: unknown): void {
  if (value !== undefined) document[field] = value;
}
