import { SeverityNumber } from "@opentelemetry/api-logs";
import { OTLPLogExporter } from "@opentelemetry/exporter-logs-otlp-http";
import { BatchLogRecordProcessor, LoggerProvider } from "@opentelemetry/sdk-logs";
import { expect, test } from "vitest";

import { encodeRequest } from "#pipeline/otlp/messages.ts";

import { testReceivers } from "../testing.ts";

const ACCESS =
  '203.0.113.9 - - [14/Mar/2026:10:00:00 +0000] "GET /cart HTTP/1.1" 200 512 "-" "Probe/1.0"';

test("the SDK of OpenTelemetry delivers with its exporter, and a text body is read like a line of a file", async () => {
  await using receivers = await testReceivers();
  const exporter = new OTLPLogExporter({
    url: `${receivers.url}/v1/logs`,
    headers: { authorization: `Bearer ${receivers.secret}` },
  });
  const provider = new LoggerProvider({ processors: [new BatchLogRecordProcessor({ exporter })] });
  const logger = provider.getLogger("orders");
  logger.emit({
    severityNumber: SeverityNumber.WARN,
    body: "order 17 was refused",
    timestamp: new Date("2026-03-14T10:00:00Z"),
    attributes: { "order.id": 17 },
  });
  logger.emit({ body: ACCESS });
  logger.emit({ body: { message: "structured", count: 2 } });
  await provider.shutdown();
  const events = await receivers.stored(3);
  expect(events.find(({ message }) => message === "order 17 was refused")).toMatchObject({
    "@timestamp": "2026-03-14T10:00:00.000Z",
    "log.level": "warn",
    "log.logger": "orders",
    "order.id": 17,
    "data_stream.dataset": expect.stringMatching(/otlp$/),
  });
  expect(events.find((it) => it["event.original"] === ACCESS)).toMatchObject({
    "data_stream.dataset": "nginx.access",
    "http.response.status_code": 200,
  });
  expect(events.find(({ message }) => message === "structured")).toMatchObject({
    "event.original": expect.stringContaining('"kvlistValue"'),
  });
});

test("a record with a uid is kept once, and refused ones are counted in the answer", async () => {
  await using receivers = await testReceivers();
  const attribute = (key: string, stringValue: string) => ({ key, value: { stringValue } });
  const record = (uid: string) => ({
    body: { stringValue: "paid" },
    attributes: [attribute("log.record.uid", uid), attribute("data_stream.dataset", "shop")],
  });
  const request = { resourceLogs: [{ scopeLogs: [{ logRecords: [record("a"), record("b")] }] }] };
  const headers = { "content-type": "application/x-protobuf" };
  const body = new Uint8Array(encodeRequest(request));
  for (let n = 0; n < 2; n += 1) {
    expect((await receivers.send("POST", "/v1/logs", { headers, body })).status).toBe(200);
  }
  const as = await receivers.newToken({ datasets: ["bank"] });
  const refused = await receivers.send("POST", "/v1/logs", {
    as,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(request),
  });
  expect(refused.json).toMatchObject({ partialSuccess: { rejectedLogRecords: "2" } });
  const events = await receivers.stored(2);
  expect(
    events.map((it) => it["event.id"]).toSorted((a, b) => (String(a) < String(b) ? -1 : 1)),
  ).toEqual(["a", "b"]);
});
