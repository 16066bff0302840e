import { describe, expect, test } from "vitest";

import { COMBINED, parseLine } from "./parse-lines.ts";
import { traceIdsOf } from "./trace-context.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";
const TRACEPARENT = `00-${TRACE}-${SPAN}-01`;
const XRAY = "1-67891233-abcdef012345678912345678";

test.each([
  ["traceparent", TRACEPARENT, TRACE, SPAN],
  ["http_traceparent", TRACEPARENT, TRACE, SPAN],
  ["request.headers.Traceparent", TRACEPARENT, TRACE, SPAN],
  ["request_Traceparent", TRACEPARENT, TRACE, SPAN],
  ["b3", `${TRACE}-${SPAN}-1-05e3ac9a4f6e3b90`, TRACE, SPAN],
  ["X-B3-TraceId", TRACE, TRACE, undefined],
  ["x_b3_spanid", SPAN, undefined, SPAN],
  ["X-Amzn-Trace-Id", `Self=1-a;Root=${XRAY};Parent=53995c3f42cd8ad8`, XRAY, "53995c3f42cd8ad8"],
  ["http_x_amzn_trace_id", `Root=${XRAY}`, XRAY, undefined],
  ["dd.trace_id", "1234567890123456789", "1234567890123456789", undefined],
  ["opentelemetry_trace_id", TRACE, TRACE, undefined],
])("%s: %s", (name, value, trace, span) => {
  const ids = traceIdsOf(name, value);
  expect([ids?.trace, ids?.span]).toEqual([trace, span]);
});

test.each([
  ["traceparent", `00-${"0".repeat(32)}-${SPAN}-01`],
  ["traceparent", "-"],
  ["b3", "0"],
  ["root", "/var/www"],
  ["x_amzn_trace_id", "Root=1-2-3"],
  ["trace_id", "none"],
  ["message", TRACEPARENT],
])("%s: %s states no trace", (name, value) => {
  expect(traceIdsOf(name, value)).toBeUndefined();
});

describe("the trace is read in what follows an access line", () => {
  test.each(
    ["nginx.access", "apache.access", "varnish.access"].flatMap((dataset) =>
      [
        TRACEPARENT,
        `"${TRACEPARENT}"`,
        `traceparent=${TRACEPARENT}`,
        `b3="${TRACE}-${SPAN}-1"`,
        `trace_id=${TRACE} span_id=${SPAN}`,
      ].map((tail) => [dataset, tail] as const),
    ),
  )("%s %s", (dataset, tail) => {
    const document = parseLine(dataset, `${COMBINED} ${tail}`);
    expect(document).toMatchObject({ "trace.id": TRACE, "span.id": SPAN });
    expect(JSON.stringify(Object.keys(document))).not.toContain("extra");
  });
});

test.each([
  [
    "nginx.access",
    {
      time_iso8601: "2026-03-14T10:11:12Z",
      request: "GET / HTTP/1.1",
      status: 200,
      http_traceparent: TRACEPARENT,
    },
  ],
  [
    "caddy.access",
    {
      ts: 1773483072,
      msg: "handled request",
      status: 200,
      request: { method: "GET", uri: "/", headers: { B3: [`${TRACE}-${SPAN}`] } },
    },
  ],
  [
    "traefik.access",
    {
      StartUTC: "2026-03-14T10:11:12Z",
      DownstreamStatus: 200,
      RequestMethod: "GET",
      request_Traceparent: TRACEPARENT,
    },
  ],
  ["app.json", { time: "2026-03-14T10:11:12Z", msg: "paid", headers: { b3: `${TRACE}-${SPAN}` } }],
  ["app.json", { time: "2026-03-14T10:11:12Z", msg: "paid", http_traceparent: TRACEPARENT }],
])("the trace is read in the JSON of %s", (dataset, line) => {
  expect(parseLine(dataset, JSON.stringify(line))).toMatchObject({
    "trace.id": TRACE,
    "span.id": SPAN,
  });
});

test("an X-Ray header in an access line is its trace", () => {
  const document = parseLine("nginx.access", `${COMBINED} Root=${XRAY}`);
  expect(document["trace.id"]).toBe(XRAY);
});
