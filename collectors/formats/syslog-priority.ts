/** What the sender of a syslog message states about it. */
export type Priority = { facility: number; severity: number };

/** The names of severities in ECS, and as log levels. */
const SEVERITIES = [
  { name: "Emergency", level: "emerg" },
  { name: "Alert", level: "alert" },
  { name: "Critical", level: "crit" },
  { name: "Error", level: "error" },
  { name: "Warning", level: "warning" },
  { name: "Notice", level: "notice" },
  { name: "Informational", level: "info" },
  { name: "Debug", level: "debug" },
];
const FACILITIES =
  "kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp security console solaris-cron local0 local1 local2 local3 local4 local5 local6 local7".split(
    " ",
  );
const NUMBER = /^<(\d{1,3})>/;
/** BusyBox and others write names in place of the number: `local0.info`. */
const NAMES = /^([a-z\d-]{3,12})\.([a-z]{3,7}) /;

export const severityOf = ({ severity }: Priority): { name: string; level: string } | undefined =>
  SEVERITIES[severity];

export const facilityName = ({ facility }: Priority): string | undefined => FACILITIES[facility];

/** The priority in `<134>` at the beginning of the line; undefined if there is none. */
export function priorityOf(line: string): Priority | undefined {
  const number = Number(NUMBER.exec(line)?.[1] ?? Number.NaN);
  const priority = { facility: Math.floor(number / 8), severity: number % 8 };
  return facilityName(priority) === undefined ? undefined : priority;
}

/** The priority in names at the beginning of the text, and their length with the space after them. */
export function namedPriority(text: string): { priority: Priority; length: number } | undefined {
  const found = NAMES.exec(text);
  if (!found) return undefined;
  const [{ length }, facilityText = "", severityText = ""] = found;
  const facility = FACILITIES.indexOf(facilityText);
  const severity = SEVERITIES.findIndex(({ level }) => level === levelOf(severityText));
  return facility < 0 || severity < 0 ? undefined : { priority: { facility, severity }, length };
}

/** The older names of severities. */
const levelOf = (name: string): string =>
  ({ err: "error", warn: "warning", panic: "emerg" })[name] ?? name;
