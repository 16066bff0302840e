const TIME =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?(Z|[+-]\d\d:?\d\d)?)?$/i;
const UNITS_MS = [86_400_000, 3_600_000, 60_000, 1000, 1] as const;

/** A time as written: its start, and the length of the unit that it ends with. */
export type WrittenTime = { startMs: number; unitMs: number };

/** Parses an ISO 8601 time, in UTC without a zone: 2026-05-17, 2026-05-17T10:00, 2026-05-17T10:00:00.5+02:00. */
export function writtenTime(text: string): WrittenTime | undefined {
  const found = TIME.exec(text.trim());
  if (!found) return undefined;
  const [, year, month, day, hour, minute, second, fraction, zone] = found;
  const date = Date.UTC(Number(year), Number(month) - 1, Number(day));
  // Date.UTC turns the 30th of February into the 2nd of March.
  const isDate = new Date(date).toISOString().startsWith(`${year}-${month}-${day}`);
  const [h, m, s] = [hour, minute, second].map((part) => Number(part ?? 0));
  if (!isDate || Number(h) > 23 || Number(m) > 59 || Number(s) > 59) return undefined;
  const timeMs = (Number(h) * 60 + Number(m)) * 60_000 + Number(s) * 1000;
  const ms = fraction === undefined ? 0 : Math.floor(Number(`0.${fraction}`) * 1000 + 1e-6);
  const parts = [hour, minute, second, fraction].filter((part) => part !== undefined).length;
  return { startMs: date + timeMs + ms - offsetMs(zone), unitMs: UNITS_MS[parts] ?? 1 };
}

function offsetMs(zone: string | undefined): number {
  if (zone === undefined || zone.toUpperCase() === "Z") return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2));
  return (zone.startsWith("-") ? -1 : 1) * minutes * 60_000;
}
