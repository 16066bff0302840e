import type { Format } from "../format.ts";
import { openAccessJson } from "./access-json.ts";
import { openAccessLine, type AccessDialect, type AccessLine } from "./access-line.ts";
import { listAddress } from "./address.ts";
import { OPEN_BRACE, isDigit } from "./bytes.ts";
import { hasNginxEscape } from "./evidence.ts";
import { numbersOf, tailTokens, type TailToken } from "./tail.ts";
import { ACCESS_TRAITS } from "./traits.ts";

const NS_PER_SECOND = 1e9;
const SECONDS = /^\d{1,9}\.\d{3}$/;
const LISTED_SECONDS = /^(\d{1,9}\.\d{3}|-)((, | : )(\d{1,9}\.\d{3}|-))*$/;
const CACHE = /^(HIT|MISS|BYPASS|EXPIRED|STALE|UPDATING|REVALIDATED|SCARCE)$/;
const ADDRESS = /^(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:.]+\]):\d{1,5}(,|$| )|^unix:/i;
const REQUEST_ID = /^[0-9a-f]{32}$/;
/** Names of request time, upstream time and request id in `name=value` styles. */
const REQUEST_TIMES = new Set(["rt", "request_time", "reqtime", "req_time"]);
const UPSTREAM_TIMES = new Set(["urt", "upstream_response_time", "upstream_time", "uht_urt", "ut"]);
const REQUEST_IDS = new Set(["rid", "request_id", "reqid", "req_id"]);

const dialect: AccessDialect = { name: "nginx access", vendor: "nginx.access", tail };

export const nginxAccess: Format = {
  dataset: "nginx.access",
  title: "nginx access log",
  // nginx is usually the reverse proxy.
  requests: "proxy",
  traits: ACCESS_TRAITS,
  detection: {
    path: /nginx/i,
    evidence: (_batch, line) => (line[0] === OPEN_BRACE || hasNginxEscape(line) ? 1 : 0),
  },
  usualPaths: [
    "/var/log/nginx/*access*.log",
    "/usr/local/var/log/nginx/*access*.log",
    "/opt/homebrew/var/log/nginx/*access*.log",
  ],
  related: { "related.ip": ["source.ip", "destination.ip"], "related.user": ["user.name"] },
  toElastic: (document) => listAddress(document, "nginx.access.remote_ip_list"),
  open(batch, context) {
    const text = openAccessLine(batch, context, dialect);
    const json = openAccessJson(batch, context, dialect);
    return (bytes, start, end) =>
      bytes[start] === OPEN_BRACE ? json(bytes, start, end) : text(bytes, start, end);
  },
};

function tail(line: AccessLine, start: number, end: number): undefined {
  if (putPlainSeconds(line, start, end)) return undefined;
  let timesSeen = 0;
  const unknown: string[] = [];
  for (const token of tailTokens(line.bytes, start, end)) {
    const isTime = token.name === undefined && LISTED_SECONDS.test(token.value);
    if (isTime && (timesSeen > 0 || SECONDS.test(token.value))) {
      timesSeen += 1;
      if (timesSeen === 1) putSeconds(line, Number(token.value));
      else if (timesSeen === 2) putUpstreamTime(line, token.value);
    } else if (token.name === undefined) putUnnamed(line, token, unknown);
    else putNamed(line, token.name, token.value);
  }
  if (unknown.length > 0) line.extras.set("nginx.access.extra", unknown);
  return undefined;
}

/** Parses the common ` 0.123` at the end of the line without creating a string. */
function putPlainSeconds(line: AccessLine, start: number, end: number): boolean {
  const { bytes } = line;
  const point = end - 4;
  if (point <= start || point - start > 9 || bytes[point] !== 0x2e) return false;
  let ms = 0;
  for (let i = start; i < end; i += 1) {
    if (i === point) continue;
    if (!isDigit(bytes[i])) return false;
    ms = ms * 10 + (bytes[i]! - 0x30);
  }
  line.columns.duration.values[line.row] = ms * 1e6;
  return true;
}

function putSeconds(line: AccessLine, seconds: number): void {
  line.columns.duration.put(line.row, Math.round(seconds * NS_PER_SECOND));
}

function putUpstreamTime(line: AccessLine, value: string): void {
  const times = numbersOf(value);
  if (times.length === 0) return;
  line.extras.set("nginx.access.upstream.response_time", times.length === 1 ? times[0] : times);
}

function putUnnamed(line: AccessLine, token: TailToken, unknown: string[]): void {
  const { value, quoted } = token;
  if (value === "-" || value === "") return;
  if (CACHE.test(value)) line.extras.set("nginx.access.upstream.cache_status", value);
  else if (REQUEST_ID.test(value)) line.batch.text("http.request.id").putText(line.row, value);
  else if (ADDRESS.test(value)) line.batch.text("nginx.upstream.address").putText(line.row, value);
  else if (quoted && /^\d{1,6}\.\d{1,2}$/.test(value))
    line.extras.set("nginx.access.gzip_ratio", Number(value));
  else if (quoted && /^[0-9a-f.:, ]{3,400}$/i.test(value)) {
    line.extras.set("nginx.access.x_forwarded_for", value.split(/, ?/));
  } else unknown.push(value);
}

function putNamed(line: AccessLine, name: string, value: string): void {
  if (value === "-" || value === "") return;
  const key = name.toLowerCase();
  if (REQUEST_TIMES.has(key) && numbersOf(value).length > 0) putSeconds(line, Number(value));
  else if (UPSTREAM_TIMES.has(key)) putUpstreamTime(line, value);
  else if (REQUEST_IDS.has(key)) line.batch.text("http.request.id").putText(line.row, value);
  else if (key === "ua" || key === "us" || key === "upstream_addr" || key === "uaddr") {
    if (ADDRESS.test(value)) line.batch.text("nginx.upstream.address").putText(line.row, value);
    else line.extras.set(`nginx.access.${key}`, value);
  } else if (key === "host" || key === "server_name") {
    line.batch.text("url.domain").putText(line.row, value);
  } else line.extras.set(`nginx.access.${key}`, value);
}
