/** The column with the layout of lines that are not stored, because their fields give them back byte for byte. */
export const LINE_LAYOUT = "line_layout";

/**
 * `combined`: `address - user [time zone] "method url HTTP/version" status bytes "referrer" "user agent"`, with a dash for each
 * missing value. `common`: without the last two.
 */
export type LineForm = "combined" | "common";

/** The value of the column: a form, and the zone as it is written in the line, such as `+0100`. */
export type LineLayout = `${LineForm} ${string}`;

/** Fields that a line with a layout may lack. */
export const OPTIONAL_LINE_FIELDS: ReadonlySet<string> = new Set([
  "user.name",
  "http.response.body.bytes",
  "http.request.referrer",
  "user_agent.original",
]);

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const ZONE = /^([-+])(\d\d)(\d\d)$/;
const MINUTE_MS = 60_000;

/** A time as access logs write it, in a zone such as `+0100`; undefined if the zone is none, or the year has not four digits. */
export function accessLogTime(ms: number, zone: string): string | undefined {
  const [, sign, hours, minutes] = ZONE.exec(zone) ?? [];
  const offsetMs = (Number(hours) * 60 + Number(minutes)) * MINUTE_MS * (sign === "-" ? -1 : 1);
  const time = new Date(ms + offsetMs);
  const year = time.getUTCFullYear();
  if (!(year >= 1000 && year <= 9999)) return undefined;
  const day = String(time.getUTCDate()).padStart(2, "0");
  const clock = time.toISOString().slice(11, 19);
  return `${day}/${MONTHS[time.getUTCMonth()]}/${year}:${clock} ${zone}`;
}
