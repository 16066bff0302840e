import type { Batch } from "../batch.ts";
import type { FormatContext, LineScanner } from "../format.ts";
import { splitHostPort } from "./address.ts";
import { openJsonFields } from "./json-fields.ts";
import { jsonTime } from "./json-time.ts";
import type { RowWriter } from "./text-line.ts";
import { putTraceIds } from "./trace-context.ts";

const VENDOR = "traefik.access";
const NOT_A_LINE = "not a Traefik line: the JSON has no DownstreamStatus";
/** Under ECS names, or repeated in other fields. */
const KNOWN = new Set(
  "ClientAddr ClientHost ClientPort ClientUsername DownstreamContentSize DownstreamStatus Duration RequestAddr RequestContentSize RequestHost RequestMethod RequestPath RequestPort RequestProtocol RequestScheme StartLocal StartUTC TLSCipher TLSVersion TraceId SpanId level msg time request_User-Agent request_Referer".split(
    " ",
  ),
);
/** The vendor's names in both forms of the log. */
const RENAMED: Readonly<Record<string, string>> = {
  RequestCount: "request_count",
  RouterName: "frontend_name",
  FrontendName: "frontend_name",
  ServiceURL: "backend_url",
  BackendURL: "backend_url",
};

/** A line of Traefik's access log in JSON; its durations are nanoseconds. */
export function openTraefikJson(batch: Batch, context: FormatContext): LineScanner {
  return openJsonFields(batch, context, read);
}

function read(fields: ReadonlyMap<string, unknown>, row: RowWriter): string | undefined {
  const text = (name: string): string | undefined => {
    const value = fields.get(name);
    return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
  };
  if (!fields.has("DownstreamStatus")) return NOT_A_LINE;
  const time = text("StartUTC") ?? text("time");
  if (time !== undefined) {
    const refused = row.time(jsonTime(time, row.context.zone), time);
    if (refused !== undefined) return refused;
  }
  putClient(text, row);
  row.text("http.request.method", text("RequestMethod"));
  row.text("url.original", text("RequestPath"));
  row.text("url.scheme", text("RequestScheme"));
  row.text("url.domain", splitHostPort(text("RequestHost") ?? "").host);
  row.text("http.version", text("RequestProtocol")?.replace(/^HTTP\//, ""));
  row.text("user_agent.original", text("request_User-Agent"));
  row.text("http.request.referrer", text("request_Referer"));
  row.number("http.response.status_code", text("DownstreamStatus"));
  row.number("http.response.body.bytes", text("DownstreamContentSize"));
  row.extraNumber("http.request.body.bytes", text("RequestContentSize"));
  row.number("event.duration", text("Duration"));
  row.text("tls.cipher", text("TLSCipher"));
  row.text("tls.version", text("TLSVersion"));
  row.text("trace.id", text("TraceId"));
  row.text("span.id", text("SpanId"));
  for (const [name, value] of fields) {
    if (KNOWN.has(name)) continue;
    if (typeof value !== "string" || !putTraceIds(row.batch, name, value))
      row.extra(`${VENDOR}.${RENAMED[name] ?? name}`, value);
  }
  return undefined;
}

function putClient(text: (name: string) => string | undefined, row: RowWriter): void {
  const address = splitHostPort(text("ClientAddr") ?? "");
  row.text("source.address", text("ClientHost") ?? address.host);
  row.number("source.port", text("ClientPort") ?? address.port);
  row.text("user.name", text("ClientUsername"));
}
