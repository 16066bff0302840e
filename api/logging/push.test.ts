import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { expect, test } from "vitest";

import { encodeRequest, decodeResponse } from "#pipeline/otlp/messages.ts";

import { testLogging, type TestLogging } from "./testing.ts";

type Found = { items: { id: string; fields: Record<string, unknown> }[]; next: string | null };

async function search(service: TestLogging, query: string, as = service.root): Promise<Found> {
  const answer = await service.send("GET", `/v1/search?${query}`, { as });
  expect([answer.status, answer.text]).toEqual([200, expect.any(String)]);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the route has validated its response
  return answer.json as Found;
}

/** The search result once this many events are stored; later than now, because a range excludes its end. */
async function found(service: TestLogging, query: string, count: number): Promise<Found> {
  service.clock.now += 1_000;
  await expect
    .poll(async () => (await search(service, query)).items.length, { timeout: 20_000 })
    .toBe(count);
  return search(service, query);
}

test("events pushed in any format are found with all their fields, and with the time of arrival if they have none", async () => {
  await using service = await testLogging();
  const at = new Date(service.clock.now).toISOString();
  const as = await service.token({ scope: "logging:logs:write/shop.* logging:logs:read" });
  const one = {
    "data_stream.dataset": "shop.one",
    message: "nested and flat",
    service: { name: "shop" },
    "order.id": 17,
    "log.file.path": "/var/log/shop.log",
  };
  const pushed = await service.send("POST", "/v1/logs", { as, body: one });
  expect([pushed.status, pushed.json]).toEqual([202, { accepted: 1 }]);
  const lines = [1, 2, 3].map((n) =>
    JSON.stringify({ event: { dataset: "shop.many" }, n, message: `line ${n}` }),
  );
  const batch = await service.send("POST", "/v1/logs/batch", {
    as,
    body: gzipSync(`${lines.join("\n")}\n`),
    headers: { "content-type": "application/x-ndjson", "content-encoding": "gzip" },
  });
  expect([batch.status, batch.json]).toEqual([202, { accepted: 3, rejected: 0, errors: [] }]);
  const { items } = await found(service, "from=now-1d", 4);
  const single = items.find((it) => it.fields["data_stream.dataset"] === "shop.one");
  expect(single?.fields).toMatchObject({
    "@timestamp": at,
    "event.ingested": at,
    "service.name": "shop",
    "order.id": 17,
    "log.file.path": "/var/log/shop.log",
  });
  const again = await service.send("GET", `/v1/logs/${single?.id}`, { as });
  expect(again.json).toEqual(single);
  expect((await search(service, "q=n%3E%3D2&from=now-1d")).items).toHaveLength(2);
});

test("the valid lines of a batch are accepted, and the others are reported with line and field", async () => {
  await using service = await testLogging();
  const as = await service.token({ scope: "logging:logs:write/shop.*" });
  const headers = { "content-type": "application/x-ndjson" };
  const body = [
    '{"data_stream.dataset":"shop.a"}',
    "",
    "no json",
    '{"data_stream.dataset":"bank.a"}',
    '{"message":"nowhere"}',
    '{"data_stream.dataset":"shop.a","http.response.status_code":"many"}',
    '{"data_stream.dataset":"shop.a","@timestamp":"2999-01-01T00:00:00Z"}',
    '{"data_stream.dataset":"shop.a","__proto__":{"x":1}}',
    JSON.stringify({ "data_stream.dataset": "shop.a", message: "x".repeat(40_000) }),
    '{"data_stream.dataset":"shop.b"}',
  ].join("\n");
  const answer = await service.send("POST", "/v1/logs/batch", { as, headers, body });
  expect(answer.status).toBe(202);
  expect(answer.json).toMatchObject({
    accepted: 2,
    rejected: 7,
    errors: [
      { line: 3, code: "no_json" },
      { line: 4, field: "data_stream.dataset", code: "forbidden" },
      { line: 5, field: "data_stream.dataset", code: "required" },
      { line: 6, field: "http.response.status_code", code: "invalid" },
      { line: 7, field: "@timestamp", code: "invalid" },
      { line: 8, field: "__proto__", code: "invalid" },
      { line: 9, field: "message", code: "invalid" },
    ],
  });
  const none = await service.send("POST", "/v1/logs/batch", {
    as,
    headers,
    body: '{"data_stream.dataset":"bank.a"}',
  });
  expect(none.status).toBe(403);
  await found(service, "", 2);
});

test("lines may be indented, blank, ended by CRLF or not at all, and begin with a byte order mark", async () => {
  await using service = await testLogging();
  const as = service.root;
  const headers = { "content-type": "application/x-ndjson" };
  const line = '{"data_stream.dataset":"shop.a"}';
  const body = Buffer.concat([
    Buffer.from(`\uFEFF${line}\r\n \t\r\n\t ${line} \n\n{"message":"`),
    Buffer.from([0xff, 0xc3]),
    Buffer.from(`"}\n${line}`),
  ]);
  const answer = await service.send("POST", "/v1/logs/batch", { as, headers, body });
  expect([answer.status, answer.json]).toEqual([
    202,
    {
      accepted: 3,
      rejected: 1,
      errors: [{ line: 5, field: "", code: "no_json", message: "the line is not valid UTF-8" }],
    },
  ]);
});

test("a gzip bomb, too large bodies and invalid logs are refused with the reason, never with 5xx", async () => {
  await using service = await testLogging();
  const as = service.root;
  const ndjson = { "content-type": "application/x-ndjson" };
  const gzip = { ...ndjson, "content-encoding": "gzip" };
  const cases: [headers: Record<string, string>, body: string | Uint8Array, status: number][] = [
    [gzip, gzipSync(Buffer.alloc(200_000_000)), 413],
    [gzip, "no gzip", 400],
    [ndjson, "x".repeat(6_000_000), 413],
    [ndjson, '{"data_stream.dataset":"a"}\n'.repeat(10_001), 413],
    [{ ...ndjson, "content-encoding": "br" }, "{}", 415],
    [{ "content-type": "text/plain" }, "{}", 415],
  ];
  for (const [headers, body, status] of cases) {
    const answer = await service.send("POST", "/v1/logs/batch", { as, headers, body });
    expect([answer.status, headers, answer.text.slice(0, 200)]).toEqual([
      status,
      headers,
      expect.any(String),
    ]);
  }
  const wide = Object.fromEntries(Array.from({ length: 201 }, (_, i) => [`f${i}`, i]));
  const deep = `${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}`;
  const json = { "content-type": "application/json" };
  const bodies = [JSON.stringify(wide), deep, '{"data_stream.dataset":"A B"}', "[]", '{"":1}'];
  for (const body of bodies) {
    const answer = await service.send("POST", "/v1/logs", { as, body, headers: json });
    expect([answer.status, body.slice(0, 40)]).toEqual([400, body.slice(0, 40)]);
  }
});

test("a repeated Idempotency-Key gets the same response and stores nothing again", async () => {
  await using service = await testLogging();
  const as = service.root;
  const ndjson = { "content-type": "application/x-ndjson", "idempotency-key": "b1" };
  const line = '{"data_stream.dataset":"shop.a","message":"once"}';
  const one = { "data_stream.dataset": "shop.a", message: "once too" };
  for (let i = 0; i < 3; i += 1) {
    const batch = await service.send("POST", "/v1/logs/batch", { as, headers: ndjson, body: line });
    const headers = { "idempotency-key": "k1" };
    const single = await service.send("POST", "/v1/logs", { as, headers, body: one });
    expect([batch.status, single.status]).toEqual([202, 202]);
  }
  const other = await service.send("POST", "/v1/logs/batch", {
    as,
    headers: ndjson,
    body: `${line}\n${line}`,
  });
  expect(other.status).toBe(422);
  await service.send("POST", "/v1/logs", { as, body: { "data_stream.dataset": "last" } });
  expect((await found(service, "", 3)).items).toHaveLength(3);
});

const attribute = (key: string, value: string) => ({ key, value: { stringValue: value } });
const otlpRequest = (ids: { traceId: unknown; spanId: unknown }) => ({
  resourceLogs: [
    {
      resource: { attributes: [attribute("service.name", "Check Out")] },
      scopeLogs: [
        {
          scope: { name: "http", version: "1.0" },
          logRecords: [
            {
              timeUnixNano: "1795000000123456789",
              severityNumber: 17,
              body: { stringValue: "it failed" },
              attributes: [
                attribute("exception.type", "TypeError"),
                { key: "http.response.status_code", value: { intValue: "503" } },
                {
                  key: "list",
                  value: { arrayValue: { values: [{ boolValue: true }, { intValue: "2" }] } },
                },
              ],
              ...ids,
            },
            {
              severityText: "INFO",
              attributes: [attribute("data_stream.dataset", "shop.otel")],
              body: {
                kvlistValue: {
                  values: [attribute("message", "structured"), attribute("order.id", "x")],
                },
              },
            },
            { attributes: [attribute("data_stream.dataset", "NOT A NAME")] },
          ],
        },
      ],
    },
  ],
});

test("OpenTelemetry records are accepted as JSON and protobuf, and stored as ECS", async () => {
  await using service = await testLogging();
  const as = service.root;
  service.clock.now = 1_795_000_001_000;
  const traceId = "0af7651916cd43dd8448eb211c80319c";
  const spanId = "b7ad6b7169203331";
  const hex = (text: string): Buffer => Buffer.from(text, "hex");
  const json = await service.send("POST", "/otlp/v1/logs", {
    as,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(otlpRequest({ traceId, spanId })),
  });
  const partialSuccess = {
    rejectedLogRecords: "1",
    errorMessage: expect.stringContaining("record 3: data_stream.dataset"),
  };
  expect([json.status, json.json]).toEqual([200, { partialSuccess }]);
  const bytes = encodeRequest(otlpRequest({ traceId: hex(traceId), spanId: hex(spanId) }));
  const response = await fetch(new URL("/otlp/v1/logs", service.url), {
    method: "POST",
    headers: {
      authorization: `Bearer ${as}`,
      "content-type": "application/x-protobuf",
      "content-encoding": "gzip",
    },
    body: gzipSync(bytes),
  });
  expect(response.headers.get("content-type")).toBe("application/x-protobuf");
  expect(decodeResponse(new Uint8Array(await response.arrayBuffer()))).toEqual({ partialSuccess });
  const { items } = await found(service, "", 4);
  const failed = items.filter(({ fields }) => fields["message"] === "it failed");
  expect(failed).toHaveLength(2);
  for (const { fields } of failed) {
    expect(fields).toMatchObject({
      "@timestamp": new Date(1_795_000_000_123).toISOString(),
      "data_stream.dataset": "check_out.otlp",
      "service.name": "Check Out",
      "log.level": "error",
      "log.logger": "http",
      "error.type": "TypeError",
      "http.response.status_code": 503,
      list: [true, 2],
      "trace.id": traceId,
      "span.id": spanId,
    });
  }
  const structured = items.find(({ fields }) => fields["message"] === "structured");
  expect(structured?.fields).toMatchObject({
    "data_stream.dataset": "shop.otel",
    "log.level": "info",
    "body.order.id": "x",
  });
  for (const [type, body] of [
    ["application/json", '{"resourceLogs":{}}'],
    ["application/json", "no"],
    ["application/x-protobuf", "\u0000\u0001 nothing"],
  ] as const) {
    const bad = await service.send("POST", "/otlp/v1/logs", {
      as,
      headers: { "content-type": type },
      body,
    });
    expect([bad.status, body]).toEqual([400, body]);
  }
});

test("a write failure gets 503 with Retry-After, and pushes are accepted again afterwards", async () => {
  await using service = await testLogging();
  const as = service.root;
  const body = { "data_stream.dataset": "shop.a", message: "kept" };
  const bus = join(service.dataFolder, "bus");
  await service.send("POST", "/v1/logs", { as, body });
  await found(service, "", 1);
  await rm(bus, { recursive: true });
  await writeFile(bus, "a file where a folder should be");
  const refused = await service.send("POST", "/v1/logs", { as, body });
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "2"]);
  await expect
    .poll(async () => (await service.send("GET", "/readyz")).status, { timeout: 20_000 })
    .toBe(503);
  await rm(bus);
  const again = async () => (await service.send("POST", "/v1/logs", { as, body })).status;
  await expect.poll(again, { timeout: 20_000 }).toBe(202);
  await found(service, "", 2);
});
