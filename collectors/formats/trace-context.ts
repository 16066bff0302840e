import type { Batch } from "../batch.ts";
import { parseTraceparent, traceId } from "./application/trace-ids.ts";

type Ids = { trace?: string | undefined; span?: string | undefined };

/** B3 in one header: `{trace}-{span}-{sampled}-{parent}`. */
const B3 = /^([\da-f]{32}|[\da-f]{16})-([\da-f]{16})(?:-|$)/i;
/** `Root=1-{8 digits}-{24 digits};Parent={16 digits};Sampled=1`, whose parts may be in any order. */
const XRAY_ROOT = /(?:^|;\s{0,4}|root=)(1-[\da-f]{8}-[\da-f]{24})(?=;|$)/i;
const XRAY_PARENT = /(?:^|;\s{0,4})parent=([\da-f]{16})(?=;|$)/i;
const VALUE_CHARS_MAX = 512;

/** What reads the value of a field with this name, without case, separators and the prefix of a request header. */
const READERS: ReadonlyMap<string, (value: string) => Ids | undefined> = new Map([
  ["traceparent", parseTraceparent],
  ["b3", b3],
  ["xamzntraceid", xray],
  ["amzntraceid", xray],
  ["root", xray],
  ...named(
    "trace",
    "traceid xb3traceid ddtraceid oteltraceid opentelemetrytraceid xdatadogtraceid",
  ),
  ...named("span", "spanid xb3spanid ddspanid otelspanid opentelemetryspanid xdatadogparentid"),
]);
/** `$http_traceparent` of nginx, `request_header_traceparent`, `request.headers.Traceparent`. */
const HEADER_PREFIX = /^(?:(?:http|req|request|headers?)[._])+/;

function named(role: keyof Ids, names: string): [string, (value: string) => Ids | undefined][] {
  return names.split(" ").map((name) => [
    name,
    (value) => {
      const id = traceId(value);
      return id === undefined ? undefined : { [role]: id };
    },
  ]);
}

function b3(value: string): Ids | undefined {
  const [, trace, span] = B3.exec(value) ?? [];
  const ids = { trace: traceId(trace), span: traceId(span) };
  return ids.trace === undefined ? undefined : ids;
}

function xray(value: string): Ids | undefined {
  const trace = XRAY_ROOT.exec(value)?.[1];
  return trace === undefined ? undefined : { trace, span: XRAY_PARENT.exec(value)?.[1] };
}

/**
 * The trace and the span that a field with this name states: in a header of W3C Trace Context, B3, AWS X-Ray or Datadog,
 * or as ids. Undefined if it states none.
 */
export function traceIdsOf(name: string, value: string): Ids | undefined {
  const header = name.toLowerCase().replace(HEADER_PREFIX, "");
  const read = READERS.get(header.replaceAll(/[^a-z0-9]/g, ""));
  return read?.(value.slice(0, VALUE_CHARS_MAX));
}

/** Writes them into the open row, which keeps those that it has; returns whether the field states any. */
export function putTraceIds(batch: Batch, name: string, value: string): boolean {
  const ids = traceIdsOf(name, value);
  if (!ids) return false;
  putFree(batch, "trace.id", ids.trace);
  putFree(batch, "span.id", ids.span);
  return true;
}

function putFree(batch: Batch, field: "trace.id" | "span.id", id: string | undefined): void {
  const column = batch.text(field);
  if (id !== undefined && (column.ids[batch.rows] ?? 0) === 0) column.putText(batch.rows, id);
}
