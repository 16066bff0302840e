import type { Batch } from "../batch.ts";
import { isDurationName, unitsOf } from "../duration-units.ts";
import type { NumberField, TextField } from "../fields.ts";
import type { FormatContext, LineScanner } from "../format.ts";
import { AccessLine, type AccessDialect } from "./access-line.ts";
import { FIELDS_MAX, flatten, parseJsonLine } from "./json-line.ts";
import { numbersOf } from "./tail.ts";
import { implausible, parseTime } from "./time.ts";

const TIMES = [
  "time_iso8601",
  "time_local",
  "msec",
  "@timestamp",
  "timestamp",
  "time",
  "ts",
  "date",
];
const TEXTS: Readonly<Record<string, TextField>> = {
  remote_addr: "source.address",
  client_ip: "source.address",
  clientip: "source.address",
  client: "source.address",
  remoteip: "source.address",
  ip: "source.address",
  remote_user: "user.name",
  user: "user.name",
  request_method: "http.request.method",
  method: "http.request.method",
  verb: "http.request.method",
  request_uri: "url.original",
  uri: "url.original",
  url: "url.original",
  http_user_agent: "user_agent.original",
  user_agent: "user_agent.original",
  useragent: "user_agent.original",
  agent: "user_agent.original",
  http_referer: "http.request.referrer",
  http_referrer: "http.request.referrer",
  referer: "http.request.referrer",
  referrer: "http.request.referrer",
  host: "url.domain",
  http_host: "url.domain",
  server_name: "url.domain",
  vhost: "url.domain",
  scheme: "url.scheme",
  request_id: "http.request.id",
  req_id: "http.request.id",
  hostname: "host.name",
  upstream_addr: "nginx.upstream.address",
  ssl_cipher: "tls.cipher",
  handling: "varnish.handling",
  hitmiss: "varnish.handling",
  cache: "varnish.handling",
};
const NUMBERS: Readonly<Record<string, NumberField>> = {
  status: "http.response.status_code",
  response: "http.response.status_code",
  status_code: "http.response.status_code",
  body_bytes_sent: "http.response.body.bytes",
  bytes: "http.response.body.bytes",
  size: "http.response.body.bytes",
  bytes_sent: "http.response.bytes",
  request_length: "http.request.bytes",
  remote_port: "source.port",
  server_port: "url.port",
};

/**
 * An access log as JSON lines, named by the server's own variables: `log_format … escape=json '{"status":$status,…}'`.
 */
export function openAccessJson(
  batch: Batch,
  context: FormatContext,
  dialect: AccessDialect,
): LineScanner {
  const line = new AccessLine(batch, context, dialect);
  return (bytes, start, end) => {
    const parsed = parseJsonLine(bytes, start, end);
    if ("reason" in parsed) return parsed.reason;
    const fields = flatten(parsed.object);
    if (!fields) return `JSON has more than ${FIELDS_MAX} fields`;
    line.row = batch.rows;
    line.extras.clear();
    const reason = putTime(line, fields) ?? putFields(line, fields);
    if (reason !== undefined) return reason;
    line.extras.write(line.columns.extras, line.row);
    return undefined;
  };
}

function putTime(line: AccessLine, fields: Map<string, unknown>): string | undefined {
  const name = TIMES.find((candidate) => fields.has(candidate));
  if (name === undefined) return `no time: the line has none of ${TIMES.slice(0, 4).join(", ")}`;
  const text = String(fields.get(name));
  fields.delete(name);
  const bytes = Buffer.from(text.replace(/^\[|\]$/g, ""));
  const { nowMs, zone } = line.context;
  let ms = parseTime(bytes, 0, bytes.length, zone);
  if (Number.isNaN(ms) && /^\d{13}$/.test(text)) ms = Number(text);
  const why = implausible(ms, nowMs);
  if (why !== undefined)
    return Number.isNaN(ms) ? `time cannot be read: ${text.slice(0, 60)}` : why;
  line.columns.time.put(line.row, ms);
  for (const other of TIMES) if (other !== "date") fields.delete(other);
  return undefined;
}

function putFields(line: AccessLine, fields: Map<string, unknown>): string | undefined {
  const { batch, row } = line;
  const request = fields.get("request");
  if (typeof request === "string" && request !== "") {
    fields.delete("request");
    line.bytes = Buffer.from(request);
    line.putRequest(0, line.bytes.length, 0);
  }
  let known = typeof request === "string" ? 1 : 0;
  for (const [key, value] of fields) {
    const name = key.toLowerCase().replace(/^\$/, "");
    const text = typeof value === "string" ? value : JSON.stringify(value);
    if (text === "" || text === "-") continue;
    const textField = Object.hasOwn(TEXTS, name) ? TEXTS[name] : undefined;
    const numberField = Object.hasOwn(NUMBERS, name) ? NUMBERS[name] : undefined;
    if (textField !== undefined || numberField !== undefined) known += 1;
    if (textField !== undefined) putText(line, textField, text);
    else if (numberField !== undefined) {
      if (!/^\d{1,15}$/.test(text)) return `${name} is not a number: ${text.slice(0, 60)}`;
      batch.number(numberField).put(row, Number(text));
    } else putOther(line, name, value, text);
  }
  if (known < 2)
    return `not an ${line.dialect.name} line: the JSON has neither a request nor a status`;
  return undefined;
}

/** A field that is already written, such as the URL of `request`, is kept. */
function putText(line: AccessLine, field: TextField, text: string): void {
  const column = line.batch.text(field);
  if (column.ids[line.row] === 0) column.putText(line.row, text);
}

function putOther(line: AccessLine, name: string, value: unknown, text: string): void {
  const { vendor } = line.dialect;
  const [first, ...others] = numbersOf(text);
  const isOne = others.length === 0;
  if (isDurationName(name) && first !== undefined)
    line.columns.duration.put(
      line.row,
      unitsOf(line.context).nsOf(name, isOne ? text : String(first)),
    );
  else if (name.endsWith("cache_status")) {
    line.extras.set(`${vendor}.upstream.cache_status`, value);
    putText(line, "varnish.handling", text.toLowerCase());
  } else if (name === "upstream_response_time" && first !== undefined) {
    const times = numbersOf(text);
    line.extras.set(`${vendor}.upstream.response_time`, times.length === 1 ? first : times);
  } else if (name === "server_protocol" || name === "protocol") {
    putText(line, "http.version", text.replace(/^HTTP\//, ""));
  } else if (name === "http_x_forwarded_for" || name === "x_forwarded_for") {
    line.extras.set(`${vendor}.x_forwarded_for`, text.split(/, ?/));
  } else if (name === "ssl_protocol") {
    const tls = /^(TLS|SSL)v?(\d(?:\.\d)?)$/.exec(text);
    if (tls) putText(line, "tls.version", tls[2] ?? "");
    if (tls) putText(line, "tls.version_protocol", (tls[1] ?? "").toLowerCase());
  } else line.extras.set(`${vendor}.${name}`, value);
}
