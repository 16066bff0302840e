import type { NumberField, TextField } from "../fields.ts";

/** Spellings of names in JSON access logs, in the normal form of `normalName`. */

type Names<F> = readonly (readonly [F, string])[];

function byName<F>(names: Names<F>): ReadonlyMap<string, F> {
  return new Map(names.flatMap(([field, list]) => list.split(" ").map((name) => [name, field])));
}

/** Objects whose members are named as if they were on the top level: Caddy's request, and nested nginx formats. */
const PREFIX =
  /^(?:@?nginx(?:_fields|_access)?|@fields|request(?:\.headers)?|response|http|access|log)\.(?=[^.]+$)/;

/** Without prefix, case and separators: `@timestamp`, `remoteAddr`, `$remote_addr`, `User-Agent`. */
export function normalName(name: string): string {
  return name
    .toLowerCase()
    .replace(PREFIX, "")
    .replaceAll(/[^a-z0-9.]/g, "");
}

/** By rank: the first one that a line has is its time. */
export const TIMES: readonly string[] =
  "timeiso8601 timelocal msec timestamp time ts datetime eventtime starttime requesttimestamp acceptdate date".split(
    " ",
  );

export const TEXTS = byName<TextField>([
  ["user.name", "remoteuser user username userid httpuser authuser"],
  ["http.request.method", "requestmethod method verb httpmethod"],
  ["user_agent.original", "httpuseragent useragent agent ua browser"],
  ["http.request.referrer", "httpreferer httpreferrer referer referrer"],
  ["http.request.id", "requestid reqid xrequestid httpxrequestid uniqueid"],
  ["host.name", "hostname"],
  ["server.address", "serveraddr serverip serveraddress localaddr localip localaddress"],
  ["nginx.upstream.address", "upstreamaddr upstreamhost upstreamaddress upstream upstream.addr"],
  ["tls.cipher", "sslcipher tlscipher"],
  ["varnish.handling", "handling hitmiss cache"],
]);

/** Addresses with an optional port, by rank. */
export const CLIENTS = new Set(
  "remoteaddr clientip clientaddr clientaddress client remoteip remotehost remoteaddress remote realip ip srcip sourceip".split(
    " ",
  ),
);
/** By rank: the name that the client requested before that of the configuration. */
export const HOSTS: readonly string[] =
  "httphost requesthost host domain vhost virtualhost hostheader servername".split(" ");
/** By rank: with its query before without. */
export const URLS: readonly string[] =
  "requesturi requesturl url uri requestpath urlpath path request".split(" ");
export const QUERIES: readonly string[] =
  "querystring query args queryparams urlquery requestquery".split(" ");
export const PROTOCOLS = new Set(
  "serverprotocol protocol proto httpversion httpprotocol requestprotocol scheme requestscheme".split(
    " ",
  ),
);
export const FORWARDED = new Set(
  "xforwardedfor httpxforwardedfor xff forwardedfor httpforwarded forwarded".split(" "),
);

export const NUMBERS = byName<NumberField>([
  [
    "http.response.status_code",
    "status response statuscode httpstatus responsestatus responsecode httpcode httpstatuscode",
  ],
  ["http.response.body.bytes", "bodybytessent bodybytes bytes size bodysize responsesize"],
  ["http.response.bytes", "bytessent bytesout"],
  ["http.request.bytes", "requestlength bytesreceived bytesin requestsize"],
  ["source.port", "remoteport clientport srcport sourceport"],
  ["url.port", "serverport"],
]);

export const UPSTREAM_TIMES = new Set(
  "upstreamresponsetime upstreamtime upstream.responsetime".split(" "),
);

const LEVELS = ["level", "severity", "loglevel", "levelname", "lvl"];
const MESSAGES = ["msg", "message", "shortmessage"];
/** Variables of nginx and Apache, which applications do not have. */
const VARIABLES =
  "timelocal timeiso8601 msec bodybytessent requestlength httpuseragent httpreferer httphost upstreamaddr upstreamresponsetime upstreamstatus".split(
    " ",
  );

/** Whether a line is that of an application that logs its requests among other events. */
export function isApplicationLine(fields: Pick<ReadonlyMap<string, unknown>, "has">): boolean {
  const has = (name: string): boolean => fields.has(name);
  return LEVELS.some(has) && MESSAGES.some(has) && !VARIABLES.some(has);
}
