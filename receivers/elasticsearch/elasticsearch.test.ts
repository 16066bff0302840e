import { Client, HttpConnection } from "@elastic/elasticsearch";
import { expect, test } from "vitest";

import { type TestReceivers, testReceivers } from "../testing.ts";

const ACCESS =
  '203.0.113.9 - - [14/Mar/2026:10:00:00 +0000] "GET /cart HTTP/1.1" 200 512 "-" "Probe/1.0"';
const ndjson = { "content-type": "application/x-ndjson" };

const clientOf = ({ url, secret }: TestReceivers): Client =>
  new Client({
    node: url,
    auth: { apiKey: { id: "any", api_key: secret } },
    Connection: HttpConnection,
  });

const lines = (...items: unknown[]): string =>
  items.map((it) => `${typeof it === "string" ? it : JSON.stringify(it)}\n`).join("");

test("the official client's bulk helper delivers to data streams, and what it asks for before is answered", async () => {
  await using receivers = await testReceivers();
  const client = clientOf(receivers);
  expect((await client.info()).version.number).toMatch(/^8\./);
  expect(await client.ping()).toBe(true);
  expect((await client.cluster.health()).status).toBe("green");
  expect((await client.license.get()).license.status).toBe("active");
  expect((await client.xpack.info()).features.ilm.available).toBe(true);
  expect(await client.indices.existsIndexTemplate({ name: "app" })).toBe(false);
  await client.indices.putIndexTemplate({ name: "app", index_patterns: ["logs-app-*"] });
  await client.ilm.putLifecycle({ name: "app" });
  await client.ingest.putPipeline({ id: "app", processors: [] });
  await client.indices.createDataStream({ name: "logs-app-default" });
  expect(Object.keys((await client.nodes.info({ metric: "http" })).nodes)).toHaveLength(1);
  const documents = Array.from({ length: 2_500 }, (_, n) => {
    return {
      "@timestamp": new Date(Date.UTC(2026, 2, 14) + n).toISOString(),
      n,
      message: `step ${n}`,
    };
  });
  const dropped: unknown[] = [];
  const result = await client.helpers.bulk({
    datasource: documents,
    flushBytes: 50_000,
    refreshOnCompletion: "logs-app.steps-default",
    onDocument: () => ({ create: { _index: "logs-app.steps-default" } }),
    onDrop: (document) => dropped.push(document),
  });
  expect([result.successful, result.failed, dropped]).toEqual([2_500, 0, []]);
  const events = await receivers.stored(2_500);
  expect(events.map(({ n }) => n)).toEqual(documents.map(({ n }) => n));
  expect(new Set(events.map((it) => it["data_stream.dataset"]))).toEqual(new Set(["app.steps"]));
  await client.close();
});

test("items are answered in order, each with its own error, and valid ones are kept", async () => {
  await using receivers = await testReceivers();
  const create = { create: { _index: "app-2026.03.14" } };
  const body = [
    lines(create, { n: 1 }, { index: { _index: "app", _id: "a" } }, { n: 2 }),
    lines(create, "{no json", { update: { _index: "app", _id: "a" } }, { doc: { n: 3 } }),
    lines({ delete: { _index: "app", _id: "a" } }, { create: {} }, { n: 4 }),
    lines(create, {}, create, "[1]", { create: { _index: "app", pipeline: "geo" } }, { n: 5 }),
  ].join("");
  const answer = await receivers.send("POST", "/_bulk", { headers: ndjson, body });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("warning")).toContain("ingest pipelines are ignored (geo)");
  expect(answer.json).toMatchObject({
    errors: true,
    items: [
      { create: { status: 201, result: "created", _index: "app-2026.03.14" } },
      { index: { status: 201, _id: "a" } },
      { create: { status: 400, error: { type: "document_parsing_exception" } } },
      { update: { status: 400, error: { reason: expect.stringContaining("not supported") } } },
      { delete: { status: 400 } },
      { create: { status: 400, error: { reason: expect.stringContaining("index is missing") } } },
      { create: { status: 201 } },
      { create: { status: 400 } },
      { create: { status: 201 } },
    ],
  });
  const events = await receivers.stored(4);
  expect(events.map((it) => it["data_stream.dataset"])).toEqual(["app", "app", "app", "app"]);
  expect(events.find(({ n }) => n === 2)).toMatchObject({ "event.id": "a" });
});

test("a malformed request is refused as a whole, in the format of Elasticsearch", async () => {
  await using receivers = await testReceivers();
  const bodies = [
    "",
    "{}\n{}\n",
    '{"create":1}\n{}\n',
    "x\n{}\n",
    '{"create":{}}\n',
    '{"create":{}}\n\n',
  ];
  for (const body of bodies) {
    const answer = await receivers.send("POST", "/app/_bulk", { headers: ndjson, body });
    expect([body, answer.status, answer.json]).toMatchObject([
      body,
      400,
      { status: 400, error: { reason: expect.stringContaining("Malformed action/metadata line") } },
    ]);
  }
  const refused = await receivers.send("POST", "/_bulk", { as: "", body: "{}" });
  expect([refused.status, refused.json]).toMatchObject([
    401,
    { error: { type: "security_exception" } },
  ]);
});

test("a document with an id is kept once, however often it is sent", async () => {
  await using receivers = await testReceivers();
  const send = (body: string) => receivers.send("POST", "/app/_bulk", { headers: ndjson, body });
  const created = lines({ create: { _id: "1" } }, { n: 1 });
  const indexed = lines({ index: { _id: "2" } }, { n: 2 });
  const both = await Promise.all([send(created), send(created), send(indexed), send(indexed)]);
  const statuses = both.map(({ text }) => /"status":(\d+)/.exec(text)?.[1]);
  expect(new Set(statuses)).toEqual(new Set(["200", "201", "409"]));
  const twice = await send(created + created + lines({ index: { _id: "2" } }, { n: 3 }));
  expect(twice.text.match(/"status":\d+/g)).toEqual([
    '"status":409',
    '"status":409',
    '"status":201',
  ]);
  // The same id in another index, or of another sender, is another document.
  await receivers.send("POST", "/other/_bulk", { headers: ndjson, body: created });
  const as = await receivers.newToken();
  await receivers.send("POST", "/app/_bulk", { headers: ndjson, body: created, as });
  const events = await receivers.stored(5);
  expect(events.map(({ n }) => n).toSorted((a, b) => Number(a) - Number(b))).toEqual([
    1, 1, 1, 2, 3,
  ]);
});

test("the lines of a shipper are read in their format, each file as a stream of its own", async () => {
  await using receivers = await testReceivers();
  const shipped = (path: string, message: string): string =>
    lines(
      { create: { _index: "filebeat-8.15.0" } },
      {
        "@timestamp": "2026-03-15T00:00:00Z",
        message,
        log: { file: { path }, offset: 7 },
        host: { name: "web1" },
        agent: { type: "filebeat" },
        ecs: { version: "8.0.0" },
        event: { dataset: "generic" },
      },
    );
  const body =
    shipped("/var/log/nginx/access.log", ACCESS) +
    shipped("/srv/app.log", "order 17 was paid") +
    shipped("/var/log/nginx/access.log", ACCESS);
  const answer = await receivers.send("PUT", "/_bulk?filter_path=errors,items.*.status", {
    headers: ndjson,
    body,
  });
  expect(answer.json).toMatchObject({
    items: [1, 2, 3].map(() => ({ create: { status: 201 } })),
  });
  expect(answer.text).not.toContain("_index");
  const events = await receivers.stored(3);
  const requests = events.filter((it) => it["data_stream.dataset"] === "nginx.access");
  expect(requests).toHaveLength(2);
  expect(requests[0]).toMatchObject({
    "@timestamp": "2026-03-14T10:00:00.000Z",
    "event.original": ACCESS,
    "log.file.path": "/var/log/nginx/access.log",
    "host.name": "web1",
    "agent.type": "filebeat",
    "http.response.status_code": 200,
  });
  expect(events.find((it) => it["data_stream.dataset"] === "filebeat")).toMatchObject({
    "@timestamp": "2026-03-15T00:00:00.000Z",
    message: "order 17 was paid",
  });
});

test("documents of a shipper that differ in a line keep all their fields, and others their place", async () => {
  await using receivers = await testReceivers();
  const documentOf = (n: number, message: string): object => ({
    "@timestamp": "2026-03-15T00:00:00Z",
    message,
    log: { offset: n, file: { path: "/var/log/nginx/access.log" } },
    host: { name: "web1" },
    agent: { type: "filebeat", version: n % 2 === 0 ? "8.15.0" : "8.15.1" },
  });
  const messages = Array.from({ length: 900 }, (_, n) => ACCESS.replace("/cart", `/cart/${n}`));
  messages[450] = "no access line";
  const create = { create: { _index: "logs-nginx.access-default" } };
  const items = messages.flatMap((message, n) => [create, documentOf(n, message)]);
  items.splice(600, 0, create, []);
  for (let request = 0; request < 2; request += 1) {
    const answer = await receivers.send("POST", "/_bulk", {
      headers: ndjson,
      body: lines(...items),
    });
    const answered = (answer.json as { errors: boolean; items: { create: object }[] }).items;
    expect(answered).toHaveLength(901);
    expect(answered.findIndex(({ create: it }) => "error" in it)).toBe(300);
    expect(new Set(answered.map(({ create: it }) => "_id" in it && it["_id"])).size).toBe(901);
    const events = await receivers.stored(900 * (request + 1));
    expect(new Set(events.map((it) => it["url.path"])).size).toBe(900);
    const read = events.filter((it) => it["http.response.status_code"] === 200);
    expect(read).toHaveLength(899 * (request + 1));
    for (const [n, event] of read.entries()) {
      expect(event, `event ${n}`).toMatchObject({
        "@timestamp": "2026-03-14T10:00:00.000Z",
        "data_stream.dataset": "nginx.access",
        "log.file.path": "/var/log/nginx/access.log",
        "host.name": "web1",
        "agent.type": "filebeat",
        "agent.version": expect.stringMatching(/^8\.15\.[01]$/),
      });
    }
    const versions = Object.groupBy(read, (it) => String(it["agent.version"]));
    expect(versions["8.15.1"]).toHaveLength(450 * (request + 1));
  }
});
