import { hasUnit, isDuration, isDurationName, unitsOf } from "../duration-units.ts";
import type { Format, LineScanner } from "../format.ts";
import { openAccessJson } from "./access-json.ts";
import { openAccessLine, type AccessDialect, type AccessLine } from "./access-line.ts";
import { isAddressList, listAddress } from "./address.ts";
import { OPEN_BRACE, isDigit } from "./bytes.ts";
import { hasNginxEscape, hasNginxVariable } from "./evidence.ts";
import { putForwardedFor } from "./forwarded-for.ts";
import { numbersOf, tailTokens, type TailToken } from "./tail.ts";
import { putTraceIds } from "./trace-context.ts";
import { ACCESS_TRAITS } from "./traits.ts";

const NS_PER_SECOND = 1e9;
const SECONDS = /^\d{1,9}\.\d{3}$/;
const LISTED_SECONDS = /^(\d{1,9}\.\d{3}|-)((, | : )(\d{1,9}\.\d{3}|-))*$/;
const CACHE = /^(HIT|MISS|BYPASS|EXPIRED|STALE|UPDATING|REVALIDATED|SCARCE)$/;
const ADDRESS = /^(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:.]+\]):\d{1,5}(,|$| )|^unix:/i;
const REQUEST_ID = /^[0-9a-f]{32}$/;
/** Names of upstream time, cache status and request id in `name=value` styles. */
const CACHE_NAMES = new Set(["cs", "cache", "cache_status", "upstream_cache_status", "ucs"]);
const UPSTREAM_TIMES = new Set(["urt", "upstream_response_time", "upstream_time", "uht_urt", "ut"]);
const FORWARDED = new Set([
  "xff",
  "fwd",
  "x_forwarded_for",
  "http_x_forwarded_for",
  "forwarded_for",
]);
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
    evidence: (_batch, line) =>
      hasNginxVariable(line) ? 4 : line[0] === OPEN_BRACE || hasNginxEscape(line) ? 1 : 0,
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
    const scan: LineScanner = (bytes, start, end) =>
      bytes[start] === OPEN_BRACE ? json(bytes, start, end) : text(bytes, start, end);
    return Object.assign(scan, { plainTail: text.plainTail });
  },
};

function tail(line: AccessLine, start: number, end: number): undefined {
  if (putPlainSeconds(line, start, end)) return undefined;
  const times: string[] = [];
  const unknown: string[] = [];
  for (const token of tailTokens(line.bytes, start, end)) {
    const isTime = token.name === undefined && LISTED_SECONDS.test(token.value);
    if (isTime && token.value !== "-") times.push(token.value);
    else if (token.name === undefined) putUnnamed(line, token, unknown);
    else putNamed(line, token.name, token.value);
  }
  putTimes(line, times);
  if (unknown.length > 0) line.extras.set("nginx.access.extra", unknown);
  return undefined;
}

/**
 * The request time and the upstream times, in either order: a request never takes less than its upstream. Of several
 * upstream times (connect, header, response) the response is the longest.
 */
function putTimes(line: AccessLine, times: readonly string[]): void {
  const [first, last] = [times[0], times.at(-1)];
  if (first === undefined || last === undefined) return;
  const isLast = SECONDS.test(last) && totalOf(last) > totalOf(first);
  const request = isLast ? last : first;
  if (SECONDS.test(request)) putSeconds(line, Number(request));
  const [longest] = (isLast ? times.slice(0, -1) : times.slice(1)).toSorted(
    (a, b) => totalOf(b) - totalOf(a),
  );
  if (longest !== undefined) putUpstreamTime(line, longest);
}

const totalOf = (times: string): number => numbersOf(times).reduce((sum, time) => sum + time, 0);

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

/** Also for the cache-hit ratio of all caches. */
function putCacheStatus(line: AccessLine, status: string): void {
  line.extras.set("nginx.access.upstream.cache_status", status);
  line.batch.text("varnish.handling").putText(line.row, status.toLowerCase());
}

function putUnnamed(line: AccessLine, token: TailToken, unknown: string[]): void {
  const { value, quoted } = token;
  if (value === "-" || value === "") return;
  if (CACHE.test(value)) putCacheStatus(line, value);
  else if (putTraceIds(line.batch, "traceparent", value)) return;
  else if (REQUEST_ID.test(value)) line.batch.text("http.request.id").putText(line.row, value);
  else if (ADDRESS.test(value)) line.batch.text("nginx.upstream.address").putText(line.row, value);
  else if (quoted && /^\d{1,6}\.\d{1,2}$/.test(value))
    line.extras.set("nginx.access.gzip_ratio", Number(value));
  else if (isAddressList(value)) putForwardedFor(line, value);
  // Other proxies with lines like those of nginx, such as Traefik, write `12ms`.
  else if (hasUnit(value))
    line.columns.duration.put(line.row, unitsOf(line.context).nsOf("", value));
  else unknown.push(value);
}

function putNamed(line: AccessLine, name: string, value: string): void {
  if (value === "-" || value === "") return;
  const key = name.toLowerCase();
  if (isDurationName(key) && isDuration(value)) {
    line.columns.duration.put(line.row, unitsOf(line.context).nsOf(key, value));
  } else if (CACHE.test(value) && CACHE_NAMES.has(key)) putCacheStatus(line, value);
  else if (UPSTREAM_TIMES.has(key)) putUpstreamTime(line, value);
  else if (FORWARDED.has(key)) putForwardedFor(line, value);
  else if (putTraceIds(line.batch, key, value)) return;
  else if (REQUEST_IDS.has(key)) line.batch.text("http.request.id").putText(line.row, value);
  else if (key === "ua" || key === "us" || key === "upstream_addr" || key === "uaddr") {
    if (ADDRESS.test(value)) line.batch.text("nginx.upstream.address").putText(line.row, value);
    else line.extras.set(`nginx.access.${key}`, value);
  } else if (key === "host" || key === "server_name") {
    line.batch.text("url.domain").putText(line.row, value);
  } else line.extras.set(`nginx.access.${key}`, value);
}
