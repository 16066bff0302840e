import { isDuration, unitsOf } from "#collectors/duration-units.ts";
import type { Format } from "#collectors/format.ts";

import { splitHostPort } from "../address.ts";
import { HEAD_LENGTH_MAX, onlyAfter, openTextLine, type RowWriter } from "../text-line.ts";
import { ACCESS_TRAITS } from "../traits.ts";
import { ESCAPE, withoutColours } from "./colours.ts";
import { lineTime } from "./line-time.ts";

type Request = {
  client?: string | undefined;
  user?: string | undefined;
  time?: string | undefined;
  method?: string | undefined;
  url?: string | undefined;
  version?: string | undefined;
  status?: string | undefined;
  bytes?: string | undefined;
  duration?: string | undefined;
};

const METHOD = String.raw`(?<method>[A-Z]{2,20})`;
const REQUEST = String.raw`"${METHOD} (?<url>\S{1,8000})(?: HTTP/(?<version>[\d.]{1,8}))?"`;
const STATUS = String.raw`(?<status>[1-5]\d\d)`;
/** The access lines that frameworks and application servers write unless they are told otherwise. */
const FORMS = [
  // uvicorn: `INFO:     127.0.0.1:52416 - "GET /cart HTTP/1.1" 200 OK`
  String.raw`INFO: {1,8}(?<client>\S{1,260}) - ${REQUEST} ${STATUS}(?: [A-Za-z' -]{1,60})?`,
  // Hypercorn and Werkzeug, after the logger of Python's `logging`: `INFO:werkzeug:127.0.0.1 - - [14/Mar/2026 10:11:12] "GET / HTTP/1.1" 200 -`
  String.raw`INFO:[\w.]{1,60}:(?<client>\S{1,260}) - - \[(?<time>[^\]]{10,40})\] ${REQUEST} ${STATUS} (?<bytes>\d{1,15}|-)`,
  // Django's server: `[14/Mar/2026 10:11:12] "GET /admin/ HTTP/1.1" 302 0`
  String.raw`\[(?<time>\d\d/[A-Z][a-z]{2}/\d{4} \d\d:\d\d:\d\d)\] ${REQUEST} ${STATUS} (?<bytes>\d{1,15})`,
  // PHP-FPM: `127.0.0.1 -  14/Mar/2026:10:11:12 +0000 "GET /index.php" 200`
  String.raw`(?<client>\S{1,260}) - (?<user>\S{0,256}) (?<time>\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}) ${REQUEST} ${STATUS}`,
  // Gin: `[GIN] 2026/03/14 - 10:11:12 | 200 |     1.2345ms |       127.0.0.1 | GET      "/cart"`
  String.raw`\[GIN\] (?<time>\d{4}/\d\d/\d\d - \d\d:\d\d:\d\d) \|\s{0,4}${STATUS}\s{0,4}\|\s{0,16}(?<duration>[\d.]{1,20}(?:ns|µs|ms|s))\s{0,4}\|\s{0,40}(?<client>\S{1,260})\s{0,4}\|\s{0,4}${METHOD}\s{1,10}"(?<url>[^"]{1,8000})"`,
  // morgan, `dev` and `tiny`: `GET /cart 200 1.234 ms - 12`, `GET /cart 200 12 - 1.234 ms`
  String.raw`${METHOD} (?<url>/\S{0,8000}) ${STATUS} (?<duration>[\d.]{1,15} ms) - (?<bytes>\d{1,15}|-)`,
  String.raw`${METHOD} (?<url>/\S{0,8000}) ${STATUS} (?<bytes>\d{1,15}|-) - (?<duration>[\d.]{1,15} ms)`,
  // morgan, `short`: `::1 - GET /cart HTTP/1.1 200 12 - 1.234 ms`
  String.raw`(?<client>\S{1,260}) (?<user>\S{1,256}) ${METHOD} (?<url>\S{1,8000}) HTTP/(?<version>[\d.]{1,8}) ${STATUS} (?<bytes>\d{1,15}|-) - (?<duration>[\d.]{1,15} ms)`,
].map((form) => new RegExp(`^${form}\\s*$`));
const REFUSED = "not an access line of an application server";
/** The characters with which such lines begin: capitals, brackets, addresses, and the escape before a colour. */
const FIRST = `ABCDEFGHIJKLMNOPQRSTUVWXYZ[0123456789abcdefmp:${ESCAPE}`;

/** Requests as frameworks and application servers log them: uvicorn, Django, Werkzeug, PHP-FPM, Gin, morgan. */
export const appAccess: Format = {
  dataset: "app.access",
  title: "access lines of application servers (uvicorn, Django, PHP-FPM, Gin, morgan)",
  requests: "origin",
  traits: ACCESS_TRAITS,
  detection: { evidence: () => 3 },
  open: (batch, context) => onlyAfter(FIRST, openTextLine(batch, context, read), REFUSED),
};

function read(line: string, row: RowWriter): string | undefined {
  if (line.length > HEAD_LENGTH_MAX) return REFUSED;
  const text = withoutColours(line);
  for (const form of FORMS) {
    const request: Request | undefined = form.exec(text)?.groups;
    if (request) return putRequest(row, request);
  }
  return REFUSED;
}

function putRequest(row: RowWriter, request: Request): string | undefined {
  if (request.time !== undefined) {
    const time = lineTime(request.time.replace(" - ", " "), row.context.zone);
    const refused = row.time(time?.ms ?? Number.NaN, request.time);
    if (refused !== undefined) return refused;
  }
  const client = splitHostPort(request.client ?? "");
  row.text("source.address", client.host);
  row.number("source.port", client.port);
  row.text("user.name", request.user);
  row.text("http.request.method", request.method);
  row.text("url.original", request.url);
  row.text("http.version", request.version);
  row.number("http.response.status_code", request.status);
  row.number("http.response.body.bytes", request.bytes === "-" ? undefined : request.bytes);
  const duration = request.duration?.replace(" ", "") ?? "";
  if (isDuration(duration)) row.number("event.duration", unitsOf(row.context).nsOf("", duration));
  return undefined;
}
