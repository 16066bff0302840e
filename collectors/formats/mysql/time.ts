import type { Zone } from "#collectors/zone.ts";

import { parseTime } from "../time.ts";

/** `260314 9:08:07` of old versions, `2026-03-14 10:11:12` of MariaDB, `2026-03-14T10:11:12.345678Z` of MySQL. */
export const TIME =
  /(?:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)|(?:\d{6}|\d{4}-\d\d-\d\d) {1,2}\d{1,2}:\d\d:\d\d)/;
const SPACED = /^(?:(\d\d)(\d\d)(\d\d)|(\d{4}-\d\d-\d\d)) {1,2}(\d{1,2})(:\d\d:\d\d)$/;

/** Epoch ms; NaN if it is not a time. */
export function mysqlTime(text: string, zone: Zone): number {
  const spaced = SPACED.exec(text);
  let iso = text;
  if (spaced) {
    const [, year, month, day, date = `20${year}-${month}-${day}`, hours = "", rest = ""] = spaced;
    iso = `${date} ${hours.padStart(2, "0")}${rest}`;
  }
  const bytes = Buffer.from(iso);
  return parseTime(bytes, 0, bytes.length, zone);
}
