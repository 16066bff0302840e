import { Cron } from "croner";

/** When a report comes: five fields of cron (minute hour day month weekday), read in a time zone of the IANA list. */
export type Timetable = { cron: string; timeZone: string };

const FIVE_FIELDS = /^\S+(?: +\S+){4}$/;

/** What is wrong with a timetable, with the field that is to blame; undefined when it is good. */
export function timetableMistake(
  { cron, timeZone }: Timetable,
  nowMs: number,
): { path: "cron" | "timeZone"; message: string } | undefined {
  if (!isTimeZone(timeZone)) {
    return {
      path: "timeZone",
      message: "give a time zone of the IANA list, for example Europe/Berlin",
    };
  }
  if (!FIVE_FIELDS.test(cron)) {
    const message =
      "give five fields: minute hour day-of-month month weekday, for example 0 6 * * 1";
    return { path: "cron", message };
  }
  try {
    if (nextTime({ cron, timeZone }, nowMs) !== undefined) return undefined;
    return { path: "cron", message: "this time never comes" };
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^CronPattern: /, "") : "";
    return { path: "cron", message: `this is no cron pattern: ${why.slice(0, 200)}` };
  }
}

/**
 * The first time after a moment, epoch ms; undefined when there is none. A local time that a change to summer time skips
 * comes at the change, one that comes twice counts once.
 */
export const nextTime = (timetable: Timetable, afterMs: number): number | undefined =>
  nextTimes(timetable, afterMs, 1)[0];

export function nextTimes({ cron, timeZone }: Timetable, afterMs: number, count: number): number[] {
  // Without a function to call it keeps no timer: it only computes.
  const pattern = new Cron(cron, { timezone: timeZone });
  return pattern.nextRuns(count, new Date(afterMs)).map((it) => it.getTime());
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}
