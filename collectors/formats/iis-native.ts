import { isIP } from "node:net";

import type { RowWriter } from "./text-line.ts";
import { parseTime } from "./time.ts";

const VENDOR = "iis.access";
/** Month, day and year, as IIS writes them on servers in English. */
const DATE = /^(\d{1,2})\/(\d{1,2})\/(\d{2}|\d{4})$/;
const TIME = /^\d{1,2}:\d\d:\d\d$/;
const STATUS = /^[1-5]\d\d$/;
const METHOD = /^[A-Z_-]{1,32}$/;
const FIELDS_MIN = 14;
const FIELDS_MAX = 40;

/** Whether the line has the commas of IIS's own format, which are nowhere in the first fields of the W3C one. */
export const isNative = (line: string): boolean => /^[\da-fA-F:.]{2,45}, /.test(line);

/**
 * A line of the IIS format with a fixed number of fields:
 * `203.0.113.9, -, 03/14/26, 10:11:12, W3SVC2, WEB1, 10.0.0.7, 4502, 163, 3223, 200, 0, GET, /shop, id=7,`. Its time is in the
 * zone of the server. Returns why the line is not one.
 */
export function readNative(line: string, row: RowWriter): string | undefined {
  const [client = "", user, date = "", time = "", site, server, address = "", ...rest] = line.split(
    ", ",
    FIELDS_MAX,
  );
  const [taken, received, sent, status = "", win32, method = "", target, query] = rest;
  const day = DATE.exec(date);
  const isRequest = STATUS.test(status) && METHOD.test(method);
  if (rest.length + 7 < FIELDS_MIN || !day || !TIME.test(time) || isIP(client) === 0 || !isRequest)
    return "not a line of the IIS format: no date, status or method in their places";
  const [, month = "", number = "", year = ""] = day;
  const iso = `${year.padStart(4, "20")}-${month.padStart(2, "0")}-${number.padStart(2, "0")}T${time.padStart(8, "0")}`;
  const bytes = Buffer.from(iso);
  const refused = row.time(parseTime(bytes, 0, bytes.length, row.context.zone), iso);
  if (refused !== undefined) return refused;
  row.text("source.address", client);
  row.text("source.ip", client);
  row.text("user.name", user);
  row.text("destination.address", address);
  if (isIP(address) !== 0) row.text("destination.ip", address);
  row.text("http.request.method", method);
  row.text("url.original", target);
  row.text("url.query", query?.replace(/,$/, ""));
  row.number("http.response.status_code", status);
  row.number("http.response.body.bytes", sent);
  row.extraNumber("http.request.body.bytes", received);
  row.number("event.duration", Number(taken) * 1e6);
  row.extraNumber(`${VENDOR}.win32_status`, win32);
  row.extra(`${VENDOR}.site_name`, site);
  row.extra(`${VENDOR}.server_name`, server);
  return undefined;
}
