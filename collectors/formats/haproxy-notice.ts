import type { SyslogHeader } from "./syslog-header.ts";
import type { RowWriter } from "./text-line.ts";
import { dayMs, implausible } from "./time.ts";

const DAY_MS = 86_400_000;
/** `[WARNING] 262/094045 (5116) : text`: day of the year from 0 and local time, which newer versions omit. */
const OWN =
  /^\[(NOTICE|WARNING|ALERT|EMERG|DIAG|DEBUG|INFO)\] {1,8}(?:(\d{3})\/(\d{6}) )? {0,8}\((\d{1,10})\) : ?/;
/** The first words of what HAProxy logs of its servers and of itself. */
const EVENT =
  /^(?:(?:Backup |Agent )?Server|Proxy|Backend|Frontend|Health check|Stopping|Pausing|Resuming|Stopped|Loading|Reloading|Exiting|Initializing|New (?:worker|program)|(?:Former|Current) (?:worker|program)|All workers|haproxy version|path to executable|Missing LF) \S/i;

/**
 * A line that HAProxy writes of itself. Returns undefined for other lines, "" if it was written, and otherwise why it
 * was rejected.
 */
export function readNotice(
  text: string,
  header: SyslogHeader | undefined,
  row: RowWriter,
): string | undefined {
  const own = OWN.exec(text);
  if (own) {
    const [all, level = "", day, clock, pid] = own;
    row.text("message", text.slice(all.length));
    row.text("log.level", level.toLowerCase());
    row.text("process.name", header?.process ?? "haproxy");
    row.number("process.pid", pid);
    const ownMs = day === undefined ? Number.NaN : timeOfYear(row, Number(day), clock ?? "");
    putTime(row, header, ownMs);
    return "";
  }
  if (!header || !EVENT.test(text)) return undefined;
  row.text("message", text);
  // A priority has a level, which decides the type.
  if (!header.priority) row.text("event.type", "info");
  putTime(row, header, Number.NaN);
  return "";
}

/** The time of the header, otherwise that of the line. Without a plausible one, the event has no time of its own. */
function putTime(row: RowWriter, header: SyslogHeader | undefined, ownMs: number): void {
  const { nowMs } = row.context;
  const times = [header?.timeMs ?? Number.NaN, ownMs];
  const ms = times.find((candidate) => implausible(candidate, nowMs) === undefined);
  if (ms !== undefined) row.time(ms, "");
}

/** The latest such day that is not in the future. */
function timeOfYear({ context }: RowWriter, day: number, clock: string): number {
  const { zone, nowMs } = context;
  const year = new Date(nowMs).getUTCFullYear();
  for (const candidate of [year, year - 1]) {
    const wallMs = dayMs(candidate, 1, 1) + day * DAY_MS + msOfDay(clock);
    const ms = wallMs - zone.eastMs(wallMs);
    if (ms <= nowMs + DAY_MS) return ms;
  }
  return Number.NaN;
}

/** Of `HHMMSS`. */
function msOfDay(clock: string): number {
  const [hours, minutes, seconds] = [clock.slice(0, 2), clock.slice(2, 4), clock.slice(4)].map(
    Number,
  );
  return (((hours ?? 0) * 60 + (minutes ?? 0)) * 60 + (seconds ?? 0)) * 1000;
}
