import { COLUMNS, type LogRecord } from "./record.ts";

/** More columns than any version writes. */
const COLUMNS_MAX = 40;
const QUOTED = String.raw`"(?:[^"]|"")*"`;
/** The columns up to the session id, which no other text has. */
const HEAD = new RegExp(
  String.raw`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})? [\w+:-]{1,10},(?:${QUOTED})?,(?:${QUOTED})?,\d{0,10},(?:${QUOTED})?,[\da-f]{1,16}\.[\da-f]{1,8},`,
);
const FIELD = /"((?:[^"]|"")*)("?)|([^,"]*)/y;

/** Whether an event of the CSV log begins here. */
export const isCsvHead = (text: string): boolean => HEAD.test(text);

/** `203.0.113.9:5000`, `::1:5000`, `[local]`. */
const PEER = /^(.+?)(?::(\d{1,5}))?$/;

/** The columns of an event of the CSV log; the last one may be cut. */
export function csvRecord(text: string): LogRecord {
  const record: LogRecord = {};
  let at = 0;
  for (let index = 0; index < COLUMNS_MAX && at <= text.length; index += 1) {
    FIELD.lastIndex = at;
    const found = FIELD.exec(text);
    const value = found?.[3] ?? found?.[1]?.replaceAll('""', '"') ?? "";
    const column = COLUMNS[index];
    if (column !== undefined && value !== "") record[column] = value;
    at = FIELD.lastIndex + 1;
    if (!found) break;
  }
  const [, host, port] = PEER.exec(record.connection_from ?? "") ?? [];
  if (host !== undefined) record.remote_host = host;
  if (port !== undefined) record.remote_port = port;
  return record;
}
