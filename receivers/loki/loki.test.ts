import { createRequire } from "node:module";

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { createLogger } from "winston";
import LokiTransport from "winston-loki";

import { testReceivers } from "../testing.ts";
import { parseLabels } from "./labels.ts";

const ACCESS =
  '203.0.113.9 - - [14/Mar/2026:10:00:00 +0000] "GET /cart HTTP/1.1" 200 512 "-" "Probe/1.0"';
const json = { "content-type": "application/json" };

test.for([
  { name: "JSON", isJson: true },
  { name: "protobuf and snappy", isJson: false },
])("winston's transport for Loki delivers by $name", async ({ isJson }) => {
  await using receivers = await testReceivers();
  const failures: unknown[] = [];
  const transport = new LokiTransport({
    host: receivers.url,
    json: isJson,
    basicAuth: `any:${receivers.secret}`,
    labels: { app: "shop", team: "orders" },
    batching: false,
    onConnectionError: (error) => failures.push(error),
  });
  const logger = createLogger({ transports: [transport] });
  logger.info({ message: "order 17 was paid" });
  logger.warn({ message: "order 18 was refused" });
  const events = await receivers.stored(2);
  expect(failures).toEqual([]);
  expect(events.map((it) => it["log.level"])).toEqual(["info", "warn"]);
  expect(events[0]).toMatchObject({
    "data_stream.dataset": "shop",
    "service.name": "shop",
    "labels.team": "orders",
    message: expect.stringContaining("order 17 was paid"),
  });
  logger.close();
});

test("streams are stored with their labels and metadata, in the format that fits their lines, and a repeated line once", async () => {
  await using receivers = await testReceivers();
  const ns = (ms: number): string => `${1_773_482_400_000 + ms}000000`;
  const body = JSON.stringify({
    streams: [
      {
        stream: { filename: "/var/log/nginx/access.log", host: "web1", env: "test" },
        values: [
          [ns(1), ACCESS],
          [ns(2), ACCESS, { trace_id: "4bf92f3577b34da6a3ce929d0e0e4736" }],
        ],
      },
      { stream: { job: "cron", level: "warn" }, values: [[ns(3), "backup is late"]] },
    ],
  });
  const push = () => receivers.send("POST", "/loki/api/v1/push", { headers: json, body });
  expect((await push()).status).toBe(204);
  expect((await push()).status).toBe(204);
  const events = await receivers.stored(3);
  const requests = events.filter((it) => it["data_stream.dataset"] === "nginx.access");
  expect(requests).toHaveLength(2);
  expect(requests[0]).toMatchObject({
    "log.file.path": "/var/log/nginx/access.log",
    "host.name": "web1",
    "service.environment": "test",
    "http.response.status_code": 200,
  });
  expect(events.find(({ message }) => message === "backup is late")).toMatchObject({
    "@timestamp": "2026-03-14T10:00:00.003Z",
    "data_stream.dataset": "cron",
    "log.level": "warn",
    "labels.job": "cron",
  });
});

test("invalid requests are refused with the reason as text, and bombs with 413", async () => {
  await using receivers = await testReceivers();
  const protobuf = { "content-type": "application/x-protobuf" };
  // A snappy block that claims to have 1 GiB.
  const bomb = new Uint8Array([0x80, 0x80, 0x80, 0x80, 0x04, 0x00]);
  const { compress } = createRequire(import.meta.url)("snappyjs") as {
    compress(bytes: Uint8Array): Uint8Array<ArrayBuffer>;
  };
  const cases: [Record<string, string>, string | Uint8Array<ArrayBuffer>, number][] = [
    [json, "{", 400],
    [json, '{"streams":[{"stream":{},"values":[["now","a"]]}]}', 400],
    [json, '{"streams":[{"stream":{},"values":[[1,"a"]]}]}', 400],
    [protobuf, "no snappy", 400],
    [protobuf, bomb, 413],
    [protobuf, compress(Buffer.from("no protobuf")), 400],
  ];
  for (const [headers, body, status] of cases) {
    const answer = await receivers.send("POST", "/loki/api/v1/push", { headers, body });
    expect([String(body).slice(0, 80), answer.status]).toEqual([String(body).slice(0, 80), status]);
    expect(answer.headers.get("content-type")).toContain("text/plain");
  }
  expect((await receivers.send("GET", "/ready", { as: "" })).text).toBe("ready\n");
});

test("labels in Prometheus' notation are read, whatever their values", () => {
  const name = fc.stringMatching(/^[A-Za-z_]\w{0,10}$/);
  fc.assert(
    fc.property(fc.dictionary(name, fc.string()), (labels) => {
      const pairs = Object.entries(labels).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
      expect({ ...parseLabels(`{${pairs.join(", ")}}`) }).toEqual({ ...labels });
    }),
  );
  expect({ ...parseLabels('{ a="x\\"y" , b=`raw\\n`, }') }).toEqual({ a: 'x"y', b: "raw\\n" });
  for (const text of ["", "{", "{a}", "{a=b}", '{a="b"', '{a="b" c="d"}', '{="b"}']) {
    expect([text, parseLabels(text)]).toEqual([text, undefined]);
  }
  fc.assert(fc.property(fc.string(), (text) => void parseLabels(`{${text}}`)));
});
