import { Cron } from "croner";

/** A cron schedule: five fields (minute hour day month weekday) in an IANA time zone. */
export type Timetable = { cron: string; timeZone: string };

const FIVE_FIELDS = /^\S+(?: +\S+){4}$/;

/** The mistake in a timetable and its field; undefined when it is valid. */
export function timetableMistake(
  { cron, timeZone }: Timetable,
  nowMs: number,
): { path: "cron" | "timeZone"; message: string } | undefined {
  if (!isTimeZone(timeZone)) {
    return {
      path: "timeZone",
      message: "give an IANA time zone, for example Europe/Berlin",
    };
  }
  if (!FIVE_FIELDS.test(cron)) {
    const message =
      "give five fields: minute hour day-of-month month weekday, for example 0 6 * * 1";
    return { path: "cron", message };
  }
  try {
    if (nextTime({ cron, timeZone }, nowMs) !== undefined) return undefined;
    return { path: "cron", message: "this time never occurs" };
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^CronPattern: /, "") : "";
    return { path: "cron", message: `invalid cron pattern: ${why.slice(0, 200)}` };
  }
}

/**
 * The next time after the given one, epoch ms; undefined when there is none. A local time skipped by a clock change
 * runs at the change; one that occurs twice runs once.
 */
export const nextTime = (timetable: Timetable, afterMs: number): number | undefined =>
  nextTimes(timetable, afterMs, 1)[0];

export function nextTimes({ cron, timeZone }: Timetable, afterMs: number, count: number): number[] {
  // Without a callback the library only computes and sets no timer.
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
