import * as fc from "fast-check";
import { Logger } from "splunk-logging";
import { expect, test } from "vitest";

import { testReceivers } from "../testing.ts";
import { jsonObjects } from "./json-stream.ts";

const ACCESS =
  '203.0.113.9 - - [14/Mar/2026:10:00:00 +0000] "GET /cart HTTP/1.1" 200 512 "-" "Probe/1.0"';

test("Splunk's own library for JavaScript delivers", async () => {
  await using receivers = await testReceivers();
  const logger = new Logger({ token: receivers.secret, url: receivers.url });
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  logger.error = reject;
  logger.send(
    {
      message: { order: 17, text: "was paid" },
      severity: "info",
      metadata: { host: "web1", source: "/srv/shop.log", sourcetype: "shop", time: 1_773_482_400 },
    },
    (error, _response, body) => (error ? reject(error) : resolve(body)),
  );
  expect(await promise).toMatchObject({ text: "Success", code: 0 });
  const [event] = await receivers.stored(1);
  expect(event).toMatchObject({
    "host.name": "web1",
    "log.file.path": "/srv/shop.log",
    "labels.sourcetype": "shop",
    "data_stream.dataset": "shop",
    "message.order": 17,
  });
});

test("events and raw lines are read in the format that fits them, and all of a request are kept or none", async () => {
  await using receivers = await testReceivers();
  const { send } = receivers;
  const events = [
    { event: ACCESS, host: "web1", source: "/var/log/nginx/access.log", time: "1773482400.5" },
    { event: { message: "paid", level: "info" }, fields: { team: "shop" }, time: 1_773_482_401 },
  ];
  const body = events.map((it) => JSON.stringify(it)).join("");
  const channel = { "x-splunk-request-channel": "c0ffee" };
  expect((await send("POST", "/services/collector/event", { body })).json).toEqual({
    text: "Success",
    code: 0,
  });
  const raw = await send("POST", "/services/collector/raw?host=web2&sourcetype=nginx", {
    body: `${ACCESS}\n${ACCESS}\n`,
    headers: channel,
  });
  expect(raw.json).toMatchObject({ code: 0, ackId: expect.any(Number) });
  const asked = await send("POST", "/services/collector/ack?channel=c0ffee", {
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ acks: [1, 7] }),
  });
  expect(asked.json).toEqual({ acks: { 1: true, 7: true } });
  const broken = `${body}{"event":""}`;
  const refused = await send("POST", "/services/collector", { body: broken });
  expect([refused.status, refused.json]).toEqual([
    400,
    { text: "Event field cannot be blank", code: 13, "invalid-event-number": 2 },
  ]);
  const stored = await receivers.stored(4);
  const requests = stored.filter((it) => it["data_stream.dataset"] === "nginx.access");
  expect(new Set(requests.map((it) => it["host.name"]))).toEqual(new Set(["web1", "web2"]));
  expect(requests).toHaveLength(3);
  expect(stored.find(({ message }) => message === "paid")).toMatchObject({
    "@timestamp": "2026-03-14T10:00:01.000Z",
    team: "shop",
  });
});

test("wrong requests get Splunk's codes", async () => {
  await using receivers = await testReceivers();
  const only = await receivers.newToken({ datasets: ["a", "b"] });
  const status = async (body: string, as?: string): Promise<unknown[]> => {
    const sent = { body, ...(as !== undefined && { as }) };
    const answer = await receivers.send("POST", "/services/collector/event", sent);
    return [answer.status, /"code":(\d+)/.exec(answer.text)?.[1]];
  };
  expect(await status("")).toEqual([400, "5"]);
  expect(await status("no json")).toEqual([400, "6"]);
  expect(await status('{"event":"a"} x')).toEqual([400, "6"]);
  expect(await status('{"host":"a"}')).toEqual([400, "12"]);
  expect(await status('{"event":"a","time":"soon"}')).toEqual([400, "6"]);
  expect(await status('{"event":"a"}', only)).toEqual([400, "7"]);
  expect(await status('{"event":"a"}', "")).toEqual([401, "4"]);
  const health = await receivers.send("GET", "/services/collector/health", { as: "" });
  expect([health.status, health.json]).toEqual([200, { text: "HEC is healthy", code: 17 }]);
});

test("objects are found one after the other, whatever their texts contain", () => {
  const space = fc.constantFrom("", " ", "\n", "\r\n\t");
  const value = fc.oneof(fc.string(), fc.boolean(), fc.array(fc.string()));
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.dictionary(fc.string(), value), space)), (items) => {
      const body = Buffer.from(items.map(([it, gap]) => JSON.stringify(it) + gap).join(""));
      const found = [...jsonObjects(body)].map((it) => ("object" in it ? it.object : it));
      expect(JSON.stringify(found)).toBe(JSON.stringify(items.map(([it]) => it)));
    }),
  );
  fc.assert(
    fc.property(fc.string(), (text) => {
      const reasons = [...jsonObjects(Buffer.from(text))].filter((it) => "reason" in it);
      expect(reasons.length).toBeLessThanOrEqual(1);
    }),
  );
});
