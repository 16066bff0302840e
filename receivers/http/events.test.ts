import { connect } from "node:net";
import { deflateSync, gzipSync, zstdCompressSync } from "node:zlib";

import { expect, onTestFinished, test } from "vitest";

import { testReceivers } from "../testing.ts";

const ACCESS =
  '203.0.113.9 - - [14/Mar/2026:10:00:00 +0000] "GET /cart HTTP/1.1" 200 512 "-" "Probe/1.0"';
const ndjson = { "content-type": "application/x-ndjson" };

test("JSON, lists, NDJSON and lines are stored, compressed or not, each line in the format that fits it", async () => {
  await using receivers = await testReceivers();
  const { send } = receivers;
  const json = { "content-type": "application/json" };
  const event = (n: number): string =>
    JSON.stringify({ "@timestamp": `2026-03-14T09:00:0${n}Z`, message: `order ${n} was paid`, n });
  const sent = [
    await send("POST", "/push", { headers: json, body: event(1) }),
    await send("POST", "/push/shop", { headers: json, body: `[${event(2)},\n${event(3)}]` }),
    await send("POST", "/push?dataset=shop.orders", {
      headers: { ...ndjson, "content-encoding": "zstd" },
      body: new Uint8Array(zstdCompressSync(`${event(4)}\r\n\n${event(5)}`)),
    }),
    await send("POST", "/push/web", {
      headers: { "content-type": "text/plain", "content-encoding": "gzip" },
      body: new Uint8Array(gzipSync(`${ACCESS}\n${ACCESS}`)),
    }),
    await send("POST", "/push/web", {
      headers: { ...ndjson, "content-encoding": "deflate" },
      body: new Uint8Array(deflateSync(JSON.stringify({ message: ACCESS, host: { name: "a1" } }))),
    }),
  ];
  expect(sent.map(({ status, json: answer }) => [status, answer])).toEqual(
    [1, 2, 2, 2, 1].map((accepted) => [202, { accepted, rejected: 0, errors: [] }]),
  );
  const events = await receivers.stored(8);
  const orders = events.filter(({ n }) => n !== undefined);
  expect(orders.map(({ n, message }) => [n, message])).toEqual(
    [1, 2, 3, 4, 5].map((n) => [n, `order ${n} was paid`]),
  );
  expect(orders.map((it) => it["data_stream.dataset"])).toEqual([
    "generic",
    "generic",
    "generic",
    "shop.orders",
    "shop.orders",
  ]);
  const requests = events.filter(({ n }) => n === undefined);
  for (const request of requests) {
    expect(request).toMatchObject({
      "@timestamp": "2026-03-14T10:00:00.000Z",
      "data_stream.dataset": "nginx.access",
      "event.original": ACCESS,
      "http.response.status_code": 200,
      "url.path": "/cart",
    });
  }
  expect(requests.map((it) => it["host.name"]).filter(Boolean)).toEqual(["a1"]);
});

test("the events of a document keep its fields: only the time is that of the line", async () => {
  await using receivers = await testReceivers();
  const document = {
    "@timestamp": "2026-03-14T12:00:00Z",
    message: ACCESS,
    "data_stream.dataset": "edge.web",
    tags: ["blue"],
    "user.name": "from the document",
    labels: { team: "web" },
    ["__proto__"]: { own: true },
  };
  const body = JSON.stringify(document).replace(/}$/, ',"__proto__":"a text"}');
  await receivers.send("POST", "/push", { headers: ndjson, body });
  const [event] = await receivers.stored(1);
  expect(event).toMatchObject({
    "@timestamp": "2026-03-14T10:00:00.000Z",
    "data_stream.dataset": "edge.web",
    "event.original": ACCESS,
    "user.name": "from the document",
    "labels.team": "web",
    "labels.__proto__": "a text",
    tags: ["blue"],
  });
  expect(event).not.toHaveProperty("message");
});

test("an event without a time has that of its arrival, and one with a wrong time is marked", async () => {
  await using receivers = await testReceivers();
  const before = Date.now();
  const body = '{"message":"no time"}\n{"message":"bad","@timestamp":"yesterday"}';
  await receivers.send("POST", "/push", { headers: ndjson, body });
  const events = await receivers.stored(2);
  for (const event of events) {
    const atMs = Date.parse(String(event["@timestamp"]));
    expect(atMs).toBeGreaterThanOrEqual(before);
    expect(atMs).toBeLessThanOrEqual(Date.now());
  }
  expect(events.find(({ message }) => message === "bad")).toMatchObject({
    "labels.ignored.@timestamp": "yesterday",
  });
});

test("invalid events are named with their line, and the others are kept", async () => {
  await using receivers = await testReceivers();
  const many = JSON.stringify(Object.fromEntries(Array.from({ length: 1_001 }, (_, i) => [i, i])));
  const body = ["no json", '{"n":1}', "[1]", many, '{"n":'].join("\n");
  const answer = await receivers.send("POST", "/push", { headers: ndjson, body });
  expect([answer.status, answer.json]).toMatchObject([
    202,
    {
      accepted: 1,
      rejected: 4,
      errors: [
        { line: 1, code: "no_json" },
        { line: 3, code: "no_json" },
        { line: 4, code: "too_many_fields" },
        { line: 5, code: "no_json" },
      ],
    },
  ]);
  const none = await receivers.send("POST", "/push", { headers: ndjson, body: "no json" });
  expect([none.status, none.text]).toEqual([400, expect.stringContaining("line 1: not a JSON")]);
  await receivers.stored(1);
});

test("bombs, unknown encodings and wrong requests are refused with the reason, never with 5xx", async () => {
  await using receivers = await testReceivers();
  const { send } = receivers;
  const coded = (coding: string) => ({ ...ndjson, "content-encoding": coding });
  const zeros = Buffer.alloc(100_000_000);
  const statuses = await Promise.all([
    send("POST", "/push", { headers: coded("gzip"), body: new Uint8Array(gzipSync(zeros)) }),
    send("POST", "/push", {
      headers: coded("zstd"),
      body: new Uint8Array(zstdCompressSync(zeros)),
    }),
    send("POST", "/push", { headers: coded("gzip"), body: "no gzip" }),
    send("POST", "/push", { headers: coded("br"), body: "{}" }),
    send("POST", "/push?datset=a", { headers: ndjson, body: "{}" }),
    send("POST", "/push?dataset=A", { headers: ndjson, body: "{}" }),
    send("GET", "/push"),
    send("POST", "/nowhere"),
  ]);
  expect(statuses.map(({ status }) => status)).toEqual([413, 413, 400, 415, 400, 400, 404, 405]);
});

test("senders need a token, in any scheme that shippers use", async () => {
  await using receivers = await testReceivers();
  const { secret, send } = receivers;
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  const accepted = [
    `Bearer ${secret}`,
    `Splunk ${secret}`,
    `Basic ${base64(`any:${secret}`)}`,
    `ApiKey ${base64(`id:${secret}`)}`,
    `ApiKey ${secret}`,
  ];
  const push = (authorization: string) =>
    send("POST", "/push", { as: "", headers: { ...ndjson, authorization }, body: '{"n":1}' });
  for (const header of accepted) expect((await push(header)).status).toBe(202);
  for (const header of ["", "Bearer", "Bearer qd_wrong", "Digest x", `Bearer ${secret}x`]) {
    const answer = await push(header);
    expect([header, answer.status]).toEqual([header, 401]);
    expect(answer.text).toContain("oken");
  }
});

test("stalled bodies cannot use up the memory: an ordinary sender is served beside them, and large bodies are told to retry", async () => {
  await using receivers = await testReceivers();
  const port = Number(new URL(receivers.url).port);
  const stalled = await Promise.all(Array.from({ length: 5 }, () => stall(port, receivers.secret)));
  const answers = (): string[] =>
    stalled.map(({ answer }) => answer()).filter((it) => it.includes("\r\n\r\n"));
  await expect.poll(() => answers().length).toBeGreaterThan(0);
  for (const answer of answers()) {
    expect(answer).toMatch(/^HTTP\/1\.1 503 /);
    expect(answer.toLowerCase()).toContain("retry-after: 1");
  }
  const pushed = await receivers.send("POST", "/push", { headers: ndjson, body: '{"n":1}' });
  expect(pushed.status).toBe(202);
  for (const { end } of stalled) end();
});

const STALLED_BYTES = 30 * 1024 * 1024;

/** A connection that sends most of a large body, and no more. */
async function stall(
  port: number,
  secret: string,
): Promise<{ answer: () => string; end: () => void }> {
  const socket = connect(port, "127.0.0.1").on("error", () => undefined);
  const end = (): void => void socket.destroy();
  onTestFinished(end);
  let answer = "";
  socket.setEncoding("latin1").on("data", (text) => (answer += text));
  const headers = `Host: x\r\nAuthorization: Bearer ${secret}\r\nContent-Type: text/plain`;
  socket.write(`POST /push HTTP/1.1\r\n${headers}\r\nContent-Length: ${STALLED_BYTES + 1}\r\n\r\n`);
  await new Promise((resolve) => socket.write(Buffer.alloc(STALLED_BYTES, "x\n"), resolve));
  return { answer: () => answer, end };
}
