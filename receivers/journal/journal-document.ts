import { facilityName, severityOf } from "#collectors/formats/syslog-priority.ts";

import type { JournalEntry } from "./journal-entries.ts";

/** Fields of the journal that have a name in ECS. Of two for the same name the first one that the entry has counts. */
const ECS_NAMES: readonly (readonly [string, string])[] = [
  ["MESSAGE", "message"],
  ["_HOSTNAME", "host.name"],
  ["_MACHINE_ID", "host.id"],
  ["_BOOT_ID", "host.boot.id"],
  ["SYSLOG_IDENTIFIER", "process.name"],
  ["_COMM", "process.name"],
  ["_PID", "process.pid"],
  ["SYSLOG_PID", "process.pid"],
  ["_EXE", "process.executable"],
  ["_CMDLINE", "process.command_line"],
  ["_UID", "user.id"],
  ["_SYSTEMD_UNIT", "systemd.unit"],
  ["_SYSTEMD_USER_UNIT", "systemd.user_unit"],
  ["_TRANSPORT", "systemd.transport"],
  ["CODE_FILE", "log.origin.file.name"],
  ["CODE_LINE", "log.origin.file.line"],
  ["CODE_FUNC", "log.origin.function"],
  ["MESSAGE_ID", "event.code"],
  ["CONTAINER_NAME", "container.name"],
  ["CONTAINER_ID_FULL", "container.id"],
  ["IMAGE_NAME", "container.image.name"],
];
const KNOWN: ReadonlySet<string> = new Set([
  ...ECS_NAMES.map(([name]) => name),
  "PRIORITY",
  "SYSLOG_FACILITY",
  "SYSLOG_TIMESTAMP",
  "SYSLOG_RAW",
  "CONTAINER_ID",
]);
/** Fields that an application adds; the journal's own begin with an underscore. */
const OWN = /^[A-Z][A-Z\d_]{0,63}$/;
const LABELS_MAX = 128;
const USER_FACILITY = 1;

/**
 * An entry of the journal as a flat ECS document; undefined if it has no message or no time. Fields that an application
 * adds become labels.
 */
export function journalDocument(entry: JournalEntry): Record<string, unknown> | undefined {
  const microseconds =
    wholeNumber(entry.get("_SOURCE_REALTIME_TIMESTAMP")) ??
    wholeNumber(entry.get("__REALTIME_TIMESTAMP"));
  const timeMs = Math.floor((microseconds ?? Number.NaN) / 1000);
  if (!entry.has("MESSAGE") || !(timeMs <= 8.64e15)) return undefined;
  const document: Record<string, unknown> = Object.create(null);
  document["@timestamp"] = new Date(timeMs).toISOString();
  for (const [name, target] of ECS_NAMES) {
    const value = entry.get(name);
    if (value && value.length > 0) document[target] ??= value.toString();
  }
  putPriority(document, entry);
  putLabels(document, entry);
  return document;
}

function putLabels(document: Record<string, unknown>, entry: JournalEntry): void {
  let labels = 0;
  for (const [name, value] of entry) {
    if (KNOWN.has(name) || !OWN.test(name) || labels >= LABELS_MAX) continue;
    document[`labels.${name.toLowerCase()}`] = value.toString();
    labels += 1;
  }
}

function putPriority(document: Record<string, unknown>, entry: JournalEntry): void {
  const severity = wholeNumber(entry.get("PRIORITY")) ?? -1;
  const facility = wholeNumber(entry.get("SYSLOG_FACILITY")) ?? USER_FACILITY;
  const named = severityOf({ facility, severity });
  const facilityText = facilityName({ facility, severity });
  if (!named || facilityText === undefined) return;
  document["log.level"] = named.level;
  document["log.syslog.severity.code"] = severity;
  document["log.syslog.severity.name"] = named.name;
  document["log.syslog.facility.code"] = facility;
  document["log.syslog.facility.name"] = facilityText;
}

function wholeNumber(value: Buffer | undefined): number | undefined {
  const text = value?.toString("latin1") ?? "";
  return /^\d{1,19}$/.test(text) ? Number(text) : undefined;
}
