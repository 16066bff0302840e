import type { Format } from "../format.ts";
import { splitHostPort } from "./address.ts";
import { withoutColours } from "./application/colours.ts";
import { typeOfLevel } from "./application/levels.ts";
import { OPEN_BRACE, textOf } from "./bytes.ts";
import { ignoredField, IGNORED_FIELDS } from "./ignored-fields.ts";
import { openJsonFields } from "./json-fields.ts";
import { jsonTime } from "./json-time.ts";
import { type RowWriter } from "./text-line.ts";
import { implausible } from "./time.ts";
import { putTraceIds } from "./trace-context.ts";
import { ACCESS_TRAITS } from "./traits.ts";

type Fields = Map<string, unknown>;

const MESSAGE = "handled request";
const CONSOLE = /^([^\t]{8,40})\t([A-Za-z]{3,8})\t([\w.]{1,120})\thandled request\t\{/;
const HEAD_BYTES_MAX = 256;
const NO_HEAD: ReadonlyMap<string, string> = new Map();
const REFUSED = "not a Caddy access line: it has no request that was handled";

/** Caddy's access log of the logger `http.log.access` or one below it. */
export const caddyAccess: Format = {
  dataset: "caddy.access",
  title: "Caddy access log",
  requests: "proxy",
  traits: ACCESS_TRAITS,
  detection: { path: /caddy/i, evidence: () => 5 },
  usualPaths: ["/var/log/caddy/*access*.log"],
  related: { "related.ip": ["source.ip"], "related.user": ["user.name"] },
  open(batch, context) {
    let head = NO_HEAD;
    const scan = openJsonFields(batch, context, (fields, row) => {
      for (const [name, value] of head) fields.set(name, value);
      if (!isAccess(fields)) return REFUSED;
      putEvent(row, fields);
      return undefined;
    });
    return (bytes, start, end) => {
      head = NO_HEAD;
      if (bytes[start] === OPEN_BRACE) return scan(bytes, start, end);
      const console = consoleHead(textOf(bytes, start, Math.min(end, start + HEAD_BYTES_MAX)));
      if (!console) return REFUSED;
      ({ head } = console);
      return scan(bytes, start + console.length, end);
    };
  },
};

/** What Caddy's encoder `console` writes before the object: `2026/03/14 10:11:12.345	INFO	http.log.access	handled request	{`. */
function consoleHead(
  text: string,
): { head: ReadonlyMap<string, string>; length: number } | undefined {
  const [all, ts = "", level = "", logger = ""] = CONSOLE.exec(withoutColours(text)) ?? [];
  if (all === undefined) return undefined;
  const head = new Map([
    ["ts", ts],
    ["level", level.toLowerCase()],
    ["logger", logger],
    ["msg", MESSAGE],
  ]);
  return { head, length: text.indexOf("{") };
}

/** The name of the logger can be changed, the message cannot. */
const isAccess = (fields: Fields): boolean =>
  fields.get("msg") === MESSAGE &&
  typeof fields.get("request.method") === "string" &&
  typeof fields.get("request.uri") === "string";

function putEvent(row: RowWriter, fields: Fields): void {
  const text = (name: string): string | undefined => {
    const value = single(fields.get(name));
    if (typeof value !== "string" && typeof value !== "number") return undefined;
    fields.delete(name);
    return String(value);
  };
  putTime(row, fields);
  const level = text("level") ?? "info";
  row.text("log.level", level);
  if (typeOfLevel(level) === "error") row.text("event.type", "error");
  row.extra("log.logger", text("logger"));
  fields.delete("msg");
  row.text("http.request.method", text("request.method"));
  row.text("url.original", text("request.uri"));
  row.text("http.version", text("request.proto")?.replace(/^HTTP\//i, ""));
  const host = splitHostPort(text("request.host") ?? "");
  row.text("url.domain", host.host);
  row.number("url.port", host.port);
  putClient(row, text);
  row.text("user.name", text("user_id"));
  row.number("http.response.status_code", statusOf(text("status")));
  row.number("http.response.body.bytes", text("size"));
  row.number("http.request.bytes", text("bytes_read"));
  row.number("event.duration", durationNs(fields.get("duration")));
  fields.delete("duration");
  row.text("user_agent.original", text("request.headers.User-Agent"));
  row.text("http.request.referrer", text("request.headers.Referer"));
  row.text("http.request.id", text("request.headers.X-Request-Id"));
  putTls(row, fields);
  for (const [name, value] of fields) {
    const single: unknown = Array.isArray(value) && value.length === 1 ? value[0] : value;
    if (typeof single !== "string" || !putTraceIds(row.batch, name, single))
      row.extra(`caddy.access.${name}`, value);
  }
}

/** The address that connected, unless Caddy trusts it to state that of the client. Before 2.5 with its port. */
function putClient(row: RowWriter, text: (name: string) => string | undefined): void {
  const peer = text("request.remote_ip");
  const port = text("request.remote_port");
  const old = splitHostPort(text("request.remote_addr") ?? "");
  const client = text("request.client_ip") ?? peer ?? old.host;
  row.text("source.address", client);
  if (client === (peer ?? old.host)) row.number("source.port", port ?? old.port);
  else row.extra("caddy.access.request.remote_ip", peer);
}

function putTime(row: RowWriter, fields: Fields): void {
  const value = fields.get("ts");
  fields.delete("ts");
  const { zone, nowMs } = row.context;
  const ms = jsonTime(value, zone);
  if (implausible(ms, nowMs) === undefined) row.batch.number("@timestamp").put(row.batch.rows, ms);
  else if (value !== undefined) {
    row.extra(IGNORED_FIELDS, ["ts"]);
    row.extra(ignoredField("ts"), value);
  }
}

const statusOf = (text: string | undefined): string | undefined =>
  text === "0" ? undefined : text;

const single = (value: unknown): unknown =>
  Array.isArray(value) && value.length === 1 ? value[0] : value;

const NS_PER: Readonly<Record<string, number>> = {
  ns: 1,
  µs: 1e3,
  us: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 6e10,
  h: 3.6e12,
};
/** Seconds with a fraction by default; a whole number is in the nanoseconds of `duration_format nano`. */
const WHOLE_NS_MIN = 1000;

/** Nanoseconds of a number, or of a text such as `1m2.5s` as Go writes it; undefined if it is none. */
function durationNs(value: unknown): number | undefined {
  if (typeof value === "number") {
    const isNs = Number.isInteger(value) && value >= WHOLE_NS_MIN;
    return Math.round(isNs ? value : value * 1e9);
  }
  if (
    typeof value !== "string" ||
    !/^(?:\d{1,15}(?:\.\d{1,9})?(?:ns|[uµ]s|ms|s|m|h))+$/.test(value.slice(0, 40))
  )
    return undefined;
  let ns = 0;
  for (const [, amount, unit = ""] of value.matchAll(/([\d.]+)([a-zµ]+)/g))
    ns += Number(amount) * (NS_PER[unit] ?? 0);
  return Math.round(ns);
}

/** Numbers of versions and cipher suites in TLS. Others keep their number. */
const VERSIONS: ReadonlyMap<unknown, string> = new Map([
  [769, "1.0"],
  [770, "1.1"],
  [771, "1.2"],
  [772, "1.3"],
]);
const CIPHERS: ReadonlyMap<unknown, string> = new Map([
  [4865, "TLS_AES_128_GCM_SHA256"],
  [4866, "TLS_AES_256_GCM_SHA384"],
  [4867, "TLS_CHACHA20_POLY1305_SHA256"],
  [49195, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"],
  [49196, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"],
  [49199, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"],
  [49200, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"],
  [52392, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"],
  [52393, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"],
]);

function putTls(row: RowWriter, fields: Fields): void {
  const version = VERSIONS.get(fields.get("request.tls.version"));
  row.text("tls.version", version);
  if (version !== undefined) {
    row.text("tls.version_protocol", "tls");
    fields.delete("request.tls.version");
    row.text("url.scheme", "https");
  }
  const cipher = CIPHERS.get(fields.get("request.tls.cipher_suite"));
  row.text("tls.cipher", cipher);
  if (cipher !== undefined) fields.delete("request.tls.cipher_suite");
}
