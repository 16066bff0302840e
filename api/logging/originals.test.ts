import { expect, test } from "vitest";

import { originalLines } from "#pipeline/original-lines.ts";
import { encodeRequest } from "#pipeline/otlp/messages.ts";
import { openStore, storeUrlIn } from "#pipeline/store/open-store.ts";
import { systemClock } from "#platform/clock.ts";

import { testLogging, type TestLogging } from "./testing.ts";

const NDJSON = { "content-type": "application/x-ndjson" };
const ALL_TIMES = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, where: [] };

/** The exported original lines, in the order of their texts, once there are so many. */
async function exported({ dataFolder }: TestLogging, count: number): Promise<string[]> {
  const lines = async (): Promise<string[]> => {
    await using store = await openStore({ url: storeUrlIn(dataFolder), clock: systemClock });
    const parts: Buffer[] = [];
    for await (const { bytes } of originalLines(store, ALL_TIMES)) parts.push(bytes);
    return Buffer.concat(parts).toString().split("\n").slice(0, -1).toSorted();
  };
  await expect.poll(async () => (await lines()).length, { timeout: 20_000 }).toBe(count);
  return lines();
}

test("the original of a pushed line is what was sent: its spaces, names, numbers and escapes", async () => {
  await using service = await testLogging();
  const sent = [
    String.raw`{ "event": {"dataset":"shop.a"},  "price": 1.50, "name": "caf\u00e9 \"x\"", "nothing": null }`,
    '{"data_stream.dataset":"shop.b","message":"Grüße","big":12345678901234567890}',
  ];
  const body = `${sent[0]}  \r\n\n${sent[1]}`;
  const pushed = await service.send("POST", "/v1/logs/batch", {
    as: service.root,
    headers: NDJSON,
    body,
  });
  expect(pushed.json).toEqual({ accepted: 2, rejected: 0, errors: [] });
  expect(await exported(service, 2)).toEqual(sent.toSorted());
  service.clock.now += 1_000;
  const found = await service.send("GET", "/v1/search?q=1.50", { as: service.root });
  expect(found.json).toMatchObject({ items: [{ fields: { "event.original": sent[0] } }] });
});

test("the original of a single event is exactly what was sent, with its spaces, line ends, numbers and escapes", async () => {
  await using service = await testLogging();
  const sent = String.raw`{
  "event": {"dataset": "shop.a"},
  "price": 1.50,   "big": 12345678901234567890,
  "name": "caf\u00e9 Grüße", "nothing": null
}
`;
  const headers = { authorization: `Bearer ${service.root}`, "content-type": "application/json" };
  for (const key of [undefined, "one"]) {
    const pushed = await fetch(new URL("/v1/logs", service.url), {
      method: "POST",
      headers: key === undefined ? headers : { ...headers, "idempotency-key": key },
      body: sent,
    });
    expect(pushed.status).toBe(202);
  }
  const originals = async (): Promise<Buffer> => {
    await using store = await openStore({
      url: storeUrlIn(service.dataFolder),
      clock: systemClock,
    });
    const parts: Buffer[] = [];
    for await (const { bytes } of originalLines(store, ALL_TIMES)) parts.push(bytes);
    return Buffer.concat(parts);
  };
  await expect
    .poll(async () => (await originals()).toString(), { timeout: 20_000 })
    .toBe(`${sent}\n${sent}\n`);
});

test("the original that a sender names is kept, and OTLP records have theirs as JSON", async () => {
  await using service = await testLogging();
  const as = service.root;
  const own = { "data_stream.dataset": "shop.a", "event.original": "the line of the agent" };
  const one = { "data_stream.dataset": "shop.b", message: "one", nested: { n: 1 } };
  const record = {
    timeUnixNano: "1795000000000000000",
    body: { stringValue: "paid" },
    attributes: [{ key: "order", value: { stringValue: "17" } }],
  };
  const request = { resourceLogs: [{ scopeLogs: [{ logRecords: [record] }] }] };
  for (const body of [own, one]) await service.send("POST", "/v1/logs", { as, body });
  const headers = { "content-type": "application/x-protobuf" };
  const otlp = await service.send("POST", "/otlp/v1/logs", {
    as,
    headers,
    body: encodeRequest(request),
  });
  expect(otlp.status).toBe(200);
  const [agents, first, second] = await exported(service, 3);
  expect(agents).toBe("the line of the agent");
  expect(JSON.parse(first ?? "")).toEqual(one);
  expect(JSON.parse(second ?? "")).toMatchObject(record);
});

test("a tail finds words that are only in the original", async () => {
  await using service = await testLogging();
  const as = service.root;
  const stop = new AbortController();
  const response = await fetch(new URL("/v1/tail?q=nowhere_else", service.url), {
    headers: { authorization: `Bearer ${as}` },
    signal: stop.signal,
  });
  let received = "";
  const reading = (async () => {
    for await (const part of response.body ?? []) received += Buffer.from(part).toString();
  })().catch(() => undefined);
  const line = '{"data_stream.dataset":"shop.a","nowhere_else":null,"message":"followed"}';
  await service.send("POST", "/v1/logs/batch", { as, headers: NDJSON, body: line });
  await expect.poll(() => received, { timeout: 20_000 }).toContain("followed");
  stop.abort();
  await reading;
});
