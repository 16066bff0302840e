/** Wall-clock time in the two zones that a viewer can choose: local or UTC. */
export type Zone = "local" | "utc";

export type WallClock = {
  year: number;
  /** 1 … 12. */
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
};

/** Epoch ms of a wall-clock time. Parts beyond their range carry over: day 0 is the last day of the previous month. */
export function toEpochMs(clock: WallClock, zone: Zone): number {
  const { year, month, day, hour, minute, second } = clock;
  if (zone === "utc") return Date.UTC(year, month - 1, day, hour, minute, second);
  return new Date(year, month - 1, day, hour, minute, second).getTime();
}

export function wallClock(epochMs: number, zone: Zone): WallClock {
  const date = new Date(epochMs);
  if (zone === "utc") {
    const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()];
    const [hour, minute, second] = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()];
    return { year, month, day, hour, minute, second };
  }
  const [year, month, day] = [date.getFullYear(), date.getMonth() + 1, date.getDate()];
  const [hour, minute, second] = [date.getHours(), date.getMinutes(), date.getSeconds()];
  return { year, month, day, hour, minute, second };
}

/** "UTC", or the viewer's zone with its offset at that instant: "Europe/Berlin (UTC+2)". */
export function zoneName(zone: Zone, epochMs: number): string {
  if (zone === "utc") return "UTC";
  const name = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (name === "UTC") return "UTC (yours)";
  const minutes = -new Date(epochMs).getTimezoneOffset();
  const sign = minutes < 0 ? "−" : "+";
  const rest = Math.abs(minutes) % 60;
  const hours = `${Math.floor(Math.abs(minutes) / 60)}${rest ? `:${String(rest).padStart(2, "0")}` : ""}`;
  return `${name} (UTC${sign}${hours})`;
}

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const two = (value: number): string => String(value).padStart(2, "0");

/** "17 May 2015". */
export function formatDate(epochMs: number, zone: Zone): string {
  const { year, month, day } = wallClock(epochMs, zone);
  return `${day} ${MONTHS[month - 1]} ${year}`;
}

/** "10:05:03". */
export function formatTime(epochMs: number, zone: Zone, seconds = true): string {
  const { hour, minute, second } = wallClock(epochMs, zone);
  return `${two(hour)}:${two(minute)}${seconds ? `:${two(second)}` : ""}`;
}

export function formatDateTime(epochMs: number, zone: Zone): string {
  return `${formatDate(epochMs, zone)} ${formatTime(epochMs, zone)}`;
}

const MINUTE_MS = 60_000;

/** "17 May 2015 10:05 – 12:00": the day is repeated only if it differs; with seconds if they matter. */
export function formatRange(fromMs: number, toMs: number, zone: Zone): string {
  const seconds = toMs - fromMs < 10 * MINUTE_MS || !isWholeMinutes(fromMs, toMs);
  const at = (ms: number): string => `${formatDate(ms, zone)} ${formatTime(ms, zone, seconds)}`;
  const sameDay = formatDate(fromMs, zone) === formatDate(toMs, zone);
  return `${at(fromMs)} – ${sameDay ? formatTime(toMs, zone, seconds) : at(toMs)}`;
}

export function isWholeMinutes(...times: readonly number[]): boolean {
  return times.every((ms) => ms % MINUTE_MS === 0);
}
