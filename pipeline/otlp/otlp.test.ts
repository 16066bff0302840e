import { expect, test } from "vitest";

import { testLogging } from "#api/logging/testing.ts";

import { documentsOf } from "./documents.ts";
import {
  decodeRequest,
  decodeStatus,
  encodeRequest,
  ExportRequest,
  withoutNulls,
} from "./messages.ts";

const text = (stringValue: string) => ({ stringValue });
const requestOf = (record: object, scope: object | null = null): Record<string, unknown> => ({
  resourceLogs: [{ resource: null, scopeLogs: [{ scope, logRecords: [record] }] }],
});
const read = (message: unknown): Record<string, unknown>[] =>
  [...documentsOf(ExportRequest.parse(message))].map(({ document }) => document);

test("null in JSON means absent, and numbers may be text", () => {
  const record = {
    timeUnixNano: null,
    severityNumber: null,
    severityText: null,
    traceId: null,
    body: text("kept"),
    attributes: [
      { key: "a", value: null },
      { key: "b", value: { stringValue: null, doubleValue: "2.5e3" } },
      { key: "c", value: { doubleValue: "NaN" } },
      { key: "d", value: { arrayValue: { values: null } } },
    ],
  };
  expect(read(withoutNulls(requestOf(record)))).toEqual([
    { message: "kept", b: 2_500, c: "NaN", d: [] },
  ]);
  for (const message of [{ resourceLogs: null }, requestOf({ attributes: null })]) {
    expect(() => read(withoutNulls(message))).not.toThrow();
  }
});

test("attributes of a scope are kept, and an id of zeros is absent", () => {
  const attributes = [{ key: "module", value: text("till") }];
  const record = { body: text("x"), traceId: Buffer.alloc(16), spanId: Buffer.alloc(8) };
  const message = requestOf(record, { name: "shop", version: "2", attributes });
  expect(read(decodeRequest(Buffer.from(encodeRequest(message))))).toEqual([
    {
      message: "x",
      module: "till",
      "log.logger": "shop",
      "otel.scope.version": "2",
    },
  ]);
});

test("numbers in protobuf that are not finite are kept as text", () => {
  const values = [Number.NaN, Number.POSITIVE_INFINITY, 2.5];
  const attributes = values.map((doubleValue, n) => ({ key: `k${n}`, value: { doubleValue } }));
  const body = Buffer.from(encodeRequest(requestOf({ attributes })));
  expect(read(decodeRequest(body))).toEqual([{ k0: "NaN", k1: "Infinity", k2: 2.5 }]);
});

test("no record is lost because of an attribute's name", async () => {
  await using service = await testLogging();
  const keys = ["my key", "a..b", ".c", "d.", 'e"f', "g\u0000", "k8s.pod.labels.app.io/name"];
  const attributes = keys.map((key) => ({ key, value: text(key) }));
  const nested = { kvlistValue: { values: [{ key: "in side", value: text("x") }] } };
  const record = { body: text("odd"), attributes: [...attributes, { key: "map", value: nested }] };
  const response = await service.send("POST", "/otlp/v1/logs", {
    as: service.root,
    body: requestOf(record),
  });
  expect([response.status, response.json]).toEqual([200, {}]);
  const [document = {}] = read(withoutNulls(requestOf(record)));
  expect(document).toMatchObject({ my_key: "my key", map: { in_side: "x" } });
  expect(Object.values(document)).toEqual(expect.arrayContaining(keys));
});

test("errors are protobuf for protobuf requests, and problem+json for JSON", async () => {
  await using service = await testLogging();
  const send = (type: string, as: string) =>
    fetch(new URL("/otlp/v1/logs", service.url), {
      method: "POST",
      headers: { authorization: `Bearer ${as}`, "content-type": type },
      body: "hello",
    });
  for (const [as, status, message] of [
    [service.root, 400, "The body is not an ExportLogsServiceRequest."],
    ["nobody", 401, expect.stringContaining("token")],
  ] as const) {
    const response = await send("application/x-protobuf", as);
    expect([response.status, response.headers.get("content-type")]).toEqual([
      status,
      "application/x-protobuf",
    ]);
    expect(decodeStatus(await response.bytes())).toEqual({ message });
    const json = await send("application/json", as);
    expect([json.status, json.headers.get("content-type")]).toEqual([
      status,
      "application/problem+json",
    ]);
  }
});
